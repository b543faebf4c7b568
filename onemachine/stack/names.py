"""Names that the template and the manifests give to what runs on the stack."""

from __future__ import annotations

CLUSTER_NAME = "sre-platform"
REMEDIATION_GROUP = "sre:checkout-remediation"
NAMESPACE = "apps"
DEPLOYMENT = "checkout"
DEGRADED_MODE_PARAMETER = "/checkout/degraded_mode"
CHAOS_PARAMETER = "/checkout/chaos"
ALERT_NAME = "CheckoutHighErrorRate"
