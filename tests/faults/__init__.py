"""A campaign of faults against the whole platform on this machine: ``make faults``.

From a seed comes a plan (:mod:`~tests.faults.plan`): which alerts fire when, how their deliveries
are repeated, reordered, delayed, cut or poisoned, and which faults (:mod:`~tests.faults.nemesis`)
strike at which stage. A client sends what is planned and writes down what it sent and was answered
(:mod:`~tests.faults.journal`); a watch writes down what became of the objects
(:mod:`~tests.faults.audit`). When all is healed, :mod:`~tests.faults.checker` judges the invariants
of the design from those histories and from what is left in the end, and
:mod:`~tests.faults.report` prints faults by stages and each violation by name.
"""
