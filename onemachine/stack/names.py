"""Names that the template and the manifests give to what runs on the stack."""

from __future__ import annotations

CLUSTER_NAME = "sre-platform"
REMEDIATION_GROUP = "sre:checkout-remediation"
NAMESPACE = "apps"
DEPLOYMENT = "checkout"
DEGRADED_MODE_PARAMETER = "/checkout/degraded_mode"
CHAOS_PARAMETER = "/checkout/chaos"
ALERT_NAME = "CheckoutHighErrorRate"
#: Machines of the template that record, in a few short states.
RECORDING_MACHINES = ("incident-recorder",)
#: Machines of the template that tell and collect, after others have recorded and acted.
TELLING_MACHINES = ("incident-notifier", "incident-digest", "incident-climber", "incident-evidence")
