"""What ``srectl local demo --scenario`` can play, one record each.

Each breaks something on the cluster that kube-prometheus-stack would ring for, with a workload that
no runbook knows by name, and says what the platform must make of it.
"""

from types import MappingProxyType

from onemachine.demo.scenarios.autoscaled_saturation import AUTOSCALED_SATURATION
from onemachine.demo.scenarios.autoscaler_maximum import AUTOSCALER_MAXIMUM
from onemachine.demo.scenarios.crash_loop import CRASH_LOOP
from onemachine.demo.scenarios.full_volume import FULL_VOLUME
from onemachine.demo.scenarios.ground import Ground
from onemachine.demo.scenarios.node_failure import NODE_FAILURE
from onemachine.demo.scenarios.record import Scenario

__all__ = ["SCENARIOS", "Ground", "Scenario"]

_ALL = (CRASH_LOOP, NODE_FAILURE, FULL_VOLUME, AUTOSCALER_MAXIMUM, AUTOSCALED_SATURATION)

SCENARIOS = MappingProxyType({each.name: each for each in _ALL})
"""Every scenario by its name."""
