"""The environment of a function that is set up right."""

from __future__ import annotations

GOOD = {
    "CLUSTERS": "sre-platform=sre-platform-eks",
    "DEFAULT_CLUSTER": "sre-platform",
    "REMEDIATION_ROLE_ARN": "arn:aws:iam::000000000000:role/checkout-remediation-role",
    "RUNBOOKS_TABLE": "sre-runbooks",
    "GUARD_TABLE": "sre-remediation-guard",
    "DEGRADED_MODE_PARAMETER": "/checkout/degraded_mode",
    "DEGRADED_MODE_KMS_KEY_ID": "alias/sre-platform",
    "ALLOWED_NAMESPACES": "apps, shop",
    "AWS_REGION": "us-east-1",
}
