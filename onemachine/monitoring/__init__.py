"""Real Prometheus and Alertmanager as processes of the one-machine stack.

Both run the files in ``eks/monitoring``: only addresses are put in, and, for those who do not want
to wait, the same times divided by one factor (:class:`Pace`).
"""

from onemachine.monitoring.alertmanager import Alertmanager
from onemachine.monitoring.pace import QUICK, REALISTIC, Pace
from onemachine.monitoring.prometheus import Prometheus
from onemachine.monitoring.rules import SHIPPED_RULES, rule_file

__all__ = ["QUICK", "REALISTIC", "SHIPPED_RULES", "Alertmanager", "Pace", "Prometheus", "rule_file"]
