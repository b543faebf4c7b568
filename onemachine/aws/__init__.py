"""AWS on one machine: ministack on loopback, IAM enforced, the gaps that matter here mended."""
