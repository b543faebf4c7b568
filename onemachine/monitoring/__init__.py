"""Real Prometheus, Alertmanager and kube-state-metrics as processes of the one-machine stack.

The first two run the files in ``eks/monitoring``: only addresses are put in, and, for those who do
not want to wait, the same times divided by one factor (:class:`Pace`).
"""

from onemachine.monitoring.alertmanager import Alertmanager
from onemachine.monitoring.kube_state_metrics import KubeStateMetrics
from onemachine.monitoring.pace import QUICK, REALISTIC, Pace
from onemachine.monitoring.prometheus import Prometheus
from onemachine.monitoring.rules import KUBERNETES_RULES, SHIPPED_RULES, rule_file

__all__ = [
    "KUBERNETES_RULES",
    "QUICK",
    "REALISTIC",
    "SHIPPED_RULES",
    "Alertmanager",
    "KubeStateMetrics",
    "Pace",
    "Prometheus",
    "rule_file",
]
