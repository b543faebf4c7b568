"""The switch of checkout's degraded mode: one parameter, which is one thing for all clusters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runbook_action import marks
from runbook_action.errors import ActionRefused
from runbook_action.holding import Holding
from runbook_action.lease_answers import Return, Taken
from runbook_action.leases import parameter_thing
from runbook_action.objects import Workload
from runbook_action.outcome import Change
from runbook_action.ports import Services
from runbook_action.request import Request
from runbook_action.rollout import is_restarted
from runbook_action.target_gone import look_for

#: In the mark: the setting that the step found. In the undo: the one to bring back in the end.
SETTING = "degraded_mode"
#: In the mark: that no pod was restarted, for each had read the setting as it is.
_SPARED = "spared"
#: In the mark of a switch-off, which has no lease: the parameter's version from before.
_VERSION = "version"


def setting_holding(request: Request, services: Services) -> Holding:
    """This step's part in the lease of the setting."""
    thing = parameter_thing(services.degraded_mode_parameter)
    return Holding(services.leases, services.clock, thing, request.token)


def hold_on(
    deployment: Workload, request: Request, holding: Holding, setting: bool
) -> Taken | None:
    """Hold degraded mode on for a step; None where it held it, and its pods have been restarted.

    Raises
    ------
    ActionRefused
        If the step held it before, and somebody has chosen otherwise since.
    """
    if marks.recorded(deployment, request) is None:
        return holding.take(setting, True)
    taken = holding.resume(setting)
    # Once the pods are restarted the switch was made: who changed it since wanted to.
    if taken is None and not is_restarted(deployment, request):
        raise ActionRefused(
            f"degraded mode is {'on' if setting else 'off'}, and is held no more for this "
            f"incident: somebody has chosen that since it was taken. It is left alone."
        )
    return taken


def on_again(request: Request, services: Services, setting: bool) -> Return:
    """What becomes of a setting that was switched off for good, which undo or mark remembers."""
    deployment, _ = look_for(services.cluster, request.target)
    marked = None
    if deployment is not None:
        if is_restarted(deployment, request, undoing=True):
            return Return("not held")
        marked = marks.recorded(deployment, request)
    source = request.undo or marked
    if source is None:
        return Return("not held")
    if not setting:
        return Return("bring back", source.get(SETTING) is True)
    # Somebody has switched it on since, be it a call of this undo that died.
    return Return("changed", again=marked is None or written_since(marked, services))


def setting_found(deployment: Workload, request: Request, setting: bool) -> bool:
    """The setting that this step found, as its mark has it, or else as it is now.

    Not the one from before the lease: where another incident had it on already, this step did not
    switch it, and says so.
    """
    previous = (marks.recorded(deployment, request) or {}).get(SETTING)
    return previous if isinstance(previous, bool) else setting


def spares_pods(deployment: Workload, request: Request, services: Services, setting: bool) -> bool:
    """Whether a step that switches degraded mode on restarts no pod: each has read that it is on.

    It is on already, and each pod was started since that was last written. So a pod that is stuck
    with an older setting is restarted, whoever has switched it. Once the step has begun its mark
    says which it was; where the setting is off by now there is something to restart for.

    Parameters
    ----------
    setting
        As it was read, before this is asked: a write in between makes the pods older than it.
    """
    if not setting or is_restarted(deployment, request):
        return False
    recorded = marks.recorded(deployment, request)
    if recorded is not None:
        return recorded.get(_SPARED) is True
    return have_read(deployment, services)


def have_read(deployment: Workload, services: Services) -> bool:
    """Whether each pod was started since the setting was last written; in doubt none has read it.

    To be asked after the setting was read, so that a write in between makes the pods older.
    """
    written = services.parameters.written_at(services.degraded_mode_parameter)
    if written is None:
        return False
    found = services.cluster.pods(deployment.namespace, deployment.selector)
    pods = [each for each in found if not each.finished]
    return bool(pods) and all(each.started_after(written) for each in pods)


def is_done(deployment: Workload, request: Request) -> bool:
    """Whether a step has come to its end: its pods were restarted, or spared."""
    recorded = marks.recorded(deployment, request) or {}
    return is_restarted(deployment, request) or recorded.get(_SPARED) is True


def to_remember(
    services: Services, previous: bool, *, for_good: bool, spares: bool = False
) -> dict[str, bool | int]:
    """Give what the mark is to say of the time before the switch.

    Parameters
    ----------
    previous
        The setting that was found.
    for_good
        Whether there is no lease of it. Then the parameter's version tells a repeated call whether
        it has been written since.
    spares
        See ``spares_pods``.
    """
    if not for_good:
        return {SETTING: previous, **({_SPARED: True} if spares else {})}
    version = services.parameters.version(services.degraded_mode_parameter)
    return {SETTING: previous, _VERSION: version}


def written_since(recorded: Mapping[str, Any] | None, services: Services) -> bool:
    """Whether anybody, an earlier call among them, wrote the setting since a mark was made."""
    before = (recorded or {}).get(_VERSION)
    if before is None:
        return False
    return bool(before != services.parameters.version(services.degraded_mode_parameter))


def read_setting(services: Services) -> bool:
    """Whether degraded mode is on."""
    # checkout takes a missing or unreadable value as off; so must we, or a plan would lie.
    value = services.parameters.get(services.degraded_mode_parameter)
    return (value or "").strip().lower() == "true"


def switch(services: Services, setting: bool, wanted: bool) -> None:
    """Write the setting that is wanted, unless it is so already."""
    if setting is not wanted:
        services.parameters.put(services.degraded_mode_parameter, spelled(wanted))


def switch_change(services: Services, setting: bool, wanted: bool) -> list[Change]:
    """The switch as a line of a plan, if it is one."""
    if setting is wanted:
        return []
    name = services.degraded_mode_parameter
    return [Change("Parameter", name, "value", spelled(setting), spelled(wanted))]


def switched(setting: bool) -> str:
    """What was done, as the beginning of a sentence."""
    return f"Degraded mode is {_on_off(setting)}"


def was_so(setting: bool, others: Sequence[str] = ()) -> str:
    """What was not done because it was so already, as the beginning of a sentence.

    Parameters
    ----------
    others
        Incidents that hold it so.
    """
    held = f", held by {', '.join(others)}, too" if others else ""
    return f"Degraded mode was {_on_off(setting)} already{held}"


def _on_off(setting: bool) -> str:
    return "on" if setting else "off"


def spelled(setting: bool) -> str:
    """A setting as the parameter has it."""
    return "true" if setting else "false"
