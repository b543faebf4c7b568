"""Is remediation held back: by its mode, by those of single runbooks, or by a window?"""

from __future__ import annotations

from collections.abc import Iterator

from srectl.operate import switches
from srectl.operate.doctor.check import Check, Grant
from srectl.operate.doctor.deployment import Deployment
from srectl.operate.doctor.finding import Finding, failed, fine, note, warning

__all__ = ["CHECK"]


def look(deployment: Deployment) -> Iterator[Finding]:
    """Read the switches."""
    account = deployment.account
    option = f" --prefix {account.prefix}" if account.prefix else ""
    mode = switches.read_mode(account.ssm, account.mode_parameter)
    if mode == "on":
        yield fine(account.mode_parameter, "on: runbooks act")
    elif mode == "observe":
        yield note(
            account.mode_parameter,
            "observe: runbooks only record what they would do, and a human is called",
            f"srectl mode on{option} lets them act",
        )
    elif mode == "off":
        yield warning(
            account.mode_parameter,
            "off: no runbook acts, every alert goes to a human",
            f"srectl mode on{option} lets them act again",
        )
    else:
        yield failed(
            account.mode_parameter,
            f"holds {mode!r}, which is no mode: every alert goes to a human",
            f"srectl mode on{option}",
        )
    switched = switches.read_own_modes(account.ssm, account.own_modes_parameter)
    does = {"observe": "only say what they would do", "ask": "ask before they act"}
    for mode, words in does.items():
        held = sorted(name for name, own in switched.items() if own == mode)
        if held:
            yield note(
                account.own_modes_parameter,
                f"{', '.join(held)} {words}: somebody has switched them so",
                f"srectl runbooks enable {held[0]}{option} lets it act by itself again",
            )
    if not set(switched.values()) & {*does}:
        yield fine(
            account.own_modes_parameter,
            f"switched on besides those that were published to act: {', '.join(sorted(switched))}"
            if switched
            else "each runbook is in the mode that it was published with",
        )
    now = deployment.now()
    windows = switches.windows(account.ssm, account.maintenance_parameter)
    opened = [each for each in windows if each.is_open(now)]
    for window in opened:
        yield note(
            account.maintenance_parameter,
            f"a window is open until {switches.written(window.end)} ({window.reason}): "
            + (f"alerts about {window.target} go" if window.target else "alerts go")
            + " to a human",
            f"srectl maintenance remove {switches.written(window.start)}{option} ends it",
        )
    if not opened:
        coming = [each for each in windows if each.start > now]
        then = f", the next opens at {switches.written(coming[0].start)}" if coming else ""
        yield fine(account.maintenance_parameter, f"no maintenance window is open{then}")


CHECK = Check(
    "switches",
    "modes and maintenance windows: whether runbooks may act at all",
    (
        Grant(
            ("ssm:GetParameter",),
            "arn:{partition}:ssm:{region}:{account}:parameter/{prefix}sre-platform/*",
        ),
    ),
    look,
)
