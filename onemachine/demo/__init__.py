"""The demonstration: break checkout, touch nothing, and watch the platform repair it.

:mod:`~onemachine.demo.world` looks at the running stack, :mod:`~onemachine.demo.milestones` says
what must be seen and by when, :mod:`~onemachine.demo.watch` waits for it,
:mod:`~onemachine.demo.verdict` judges, and :mod:`~onemachine.demo.report` tells.
"""
