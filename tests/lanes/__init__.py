"""The whole of the tests in lanes side by side, and a table of where the minutes went.

``make test`` runs ``python -m tests.lanes``. A lane is a pytest process of its own, so it has a
local AWS, a control plane and stacks of its own, and shares them among its tests. Most lanes sleep
most of the time, so more of them run at once than there are cores.
"""
