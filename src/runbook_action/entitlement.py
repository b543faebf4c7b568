"""Whether a caller may have something done: a call proves nothing by itself.

Whoever may invoke the function can send it any input. So it asks what only the platform writes: the
catalogue, whether a runbook does this to such a target at all, and the guard table, whether the
incident holds the lock of the target, which incident-response-runbook takes after all its guards
(mode, maintenance, flood, cooldown, loop breaker). In doubt nothing is done.

Operations that change nothing (resolve, plan, verify) are free: ``srectl runbooks plan`` asks for
runbooks that are not published yet. So is hand_over, which comes where the next incident has the
lock, or will have it: it changes only which of the two brings the value of before back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runbook_action.errors import ActionRefused, InvalidRequest, StateUnknown
from runbook_action.fields import Field, parse_fields
from runbook_action.ports import Catalogue, Clock, Locks
from runbook_action.request import Request, Target
from runbook_action.resolve.bounds import Bounds
from runbook_action.rights import WORKLOADS
from runbook_action.steps import in_bounds, steps_of

_CHANGING = frozenset({"execute", "undo"})
_BROKEN = (AttributeError, IndexError, KeyError, TypeError, ValueError, InvalidRequest)


@dataclass(frozen=True)
class Entitlement:
    """Asks catalogue and guard table about each call that would change something.

    Parameters
    ----------
    catalogue, locks
        What only the platform and its operators write.
    clock
        Says whether a lock has run out.
    """

    catalogue: Catalogue
    locks: Locks
    clock: Clock

    def refuse(self, request: Request, fields: Mapping[str, Field], lock: str) -> Mapping[str, Any]:
        """Stop a call that no runbook of the platform makes.

        An undo needs the lock alone: it takes back what the mark on the target and the lease say
        was done for this incident, also when its runbook was changed or withdrawn since.

        Parameters
        ----------
        fields
            Parameters of the action.
        lock
            Key of the target in the guard table.

        Returns
        -------
        mapping
            For ``execute``: the published step, as ``steps_of`` gives it; else empty.

        Raises
        ------
        ActionRefused
            The message says what does not fit, and with what.
        AwsUnavailable, AccessDenied, StateUnknown, ResourceMissing
            If it cannot be told: then nothing is done either.
        """
        if request.operation not in _CHANGING:
            return {}
        step = self._published(request, fields) if request.operation == "execute" else {}
        self._refuse_without_lock(request, lock)
        return step

    def _refuse_without_lock(self, request: Request, lock: str) -> None:
        held = self.locks.read(lock)
        if held is None or held.holder != request.incident_id:
            raise ActionRefused(
                f"incident {request.incident_id} does not hold the lock of {request.target} "
                f"({'nobody does' if held is None or not held.holder else f'{held.holder} does'}): "
                f"only incident-response-runbook acts, once it has taken the lock {lock}."
            )
        # What was done is taken back also late: nobody else has taken the target since.
        if request.operation == "execute" and held.until <= self.clock.now().timestamp():
            raise ActionRefused(
                f"the lock of {request.target} ran out before incident {request.incident_id} was "
                f"through; nothing more is done for it."
            )

    def _published(self, request: Request, fields: Mapping[str, Field]) -> Mapping[str, Any]:
        """Give the published step that a call is of."""
        name = request.runbook
        if not name:
            raise ActionRefused("the call names no runbook: only a published one acts.")
        definition = self.catalogue.published(name)
        if definition is None:
            raise ActionRefused(
                f"runbook {name} is not in the catalogue: publish it with 'srectl runbooks publish'"
            )
        if definition.get("enabled", True) is not True:
            raise ActionRefused(f"runbook {name} is disabled in the catalogue.")
        try:
            return self._fitting(request, steps_of(definition), fields)
        except _BROKEN as error:
            raise StateUnknown(
                f"runbook {name} of the catalogue cannot be applied ({error!r}): 'srectl runbooks "
                f"validate' says what is wrong with it."
            ) from error

    def _fitting(
        self, request: Request, steps: Sequence[Mapping[str, Any]], fields: Mapping[str, Field]
    ) -> Mapping[str, Any]:
        where = f"runbook {request.runbook} of the catalogue"
        if request.step > len(steps):
            raise ActionRefused(f"{where} has no step {request.step}.")
        step = steps[request.step - 1]
        if step["action"] != request.action:
            raise ActionRefused(
                f"step {request.step} of {where} is {step['action']}, not {request.action}."
            )
        _refuse_target(request, step["target"], where)
        published = {
            name: given
            if not isinstance(given, Mapping) or "from_label" not in given
            else _taken(request, name, given, where)
            for name, given in step["parameters"].items()
        }
        wanted = parse_fields(fields, published, f"parameters of {where}")
        names = {*wanted, *request.parameters}
        others = [name for name in names if request.parameters.get(name) != wanted.get(name)]
        if others:
            raise ActionRefused(
                f"{where} gives {request.action} another {', '.join(sorted(others))} than this "
                f"call: was it published anew meanwhile? Nothing was done."
            )
        return step


def _taken(request: Request, name: str, given: Mapping[str, Any], where: str) -> Any:
    """Give a parameter that a label of the alert stated, if it is within the bounds."""
    value = request.parameters.get(name)
    if not in_bounds(value, given):
        raise ActionRefused(f"parameter {name} is out of the bounds of {where}: {value!r}.")
    return value


def _refuse_target(request: Request, written: Mapping[str, Any], where: str) -> None:
    target: Target = request.target
    if "from_alert" in written:
        kind = str(written["from_alert"])
        many = kind == "workload" or written.get("resolve_to") == "workload"
        if target.kind not in (WORKLOADS if many else (kind,)):
            raise ActionRefused(f"{where} acts on a {kind}, not on {target}.")
        bounds = Bounds.of(str(request.runbook), written)
        if target.namespace is not None:
            bounds.refuse_namespace(target.namespace)
        bounds.refuse_name(target, target.name)
        return
    name = written["name"]
    # A node that a label names: which one, only the lock tells.
    named = target.name if isinstance(name, Mapping) else name
    namespace = None if written["kind"] == "node" else written["namespace"]
    if (target.kind, target.namespace, target.name) != (written["kind"], namespace, named):
        raise ActionRefused(f"{where} acts on {written['kind']} {namespace}/{named}, not {target}.")
