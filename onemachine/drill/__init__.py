"""Drills: break one part of the platform for real, see it noticed, bring it back, and count.

One scenario of ``docs/disaster-recovery.md`` lives in one file (:mod:`~onemachine.drill.ingest`,
:mod:`~onemachine.drill.cluster`, :mod:`~onemachine.drill.target`, :mod:`~onemachine.drill.table`).
:mod:`~onemachine.drill.scene` is what they act on, :mod:`~onemachine.drill.commands` runs the
guide's own commands, :mod:`~onemachine.drill.runner` starts a stack and tells.
"""
