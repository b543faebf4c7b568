"""Which probe belongs to which mend."""

from __future__ import annotations

from collections.abc import Callable

from onemachine.aws.local_aws import LocalAws

Probe = Callable[[LocalAws, str], None]

PROBES: dict[str, Probe] = {}


def shows(mend: str) -> Callable[[Probe], Probe]:
    """Register the decorated function as the probe of a mend."""

    def register(probe: Probe) -> Probe:
        if mend in PROBES:
            raise ValueError(f"two probes for the mend {mend}")
        PROBES[mend] = probe
        return probe

    return register
