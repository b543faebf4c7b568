"""The demonstration: break checkout, touch nothing, and watch the platform repair it.

:mod:`~srectl.demo.world` looks at the running stack, :mod:`~srectl.demo.milestones` says what must
be seen and by when, :mod:`~srectl.demo.watch` waits for it, :mod:`~srectl.demo.verdict` judges, and
:mod:`~srectl.demo.report` tells.
"""
