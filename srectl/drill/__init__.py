"""Drills: break one part of the platform for real, see it noticed, bring it back, and count.

One scenario of ``docs/disaster-recovery.md`` lives in one file (:mod:`~srectl.drill.ingest`,
:mod:`~srectl.drill.cluster`, :mod:`~srectl.drill.target`, :mod:`~srectl.drill.table`).
:mod:`~srectl.drill.scene` is what they act on, :mod:`~srectl.drill.commands` runs the guide's own
commands, :mod:`~srectl.drill.runner` starts a stack and tells.
"""
