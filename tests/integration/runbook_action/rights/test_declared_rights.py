"""Each right that an action declares is needed: without it, and only it, the action is denied."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import pytest
from kubernetes import client

from runbook_action.actions import REGISTRY
from runbook_action.errors import AccessDenied
from runbook_action.objects import GROUP_LABELS
from runbook_action.ports import Right
from runbook_action.request import TargetKind
from runbook_action.resolve.consent_of_pods import ASKED
from runbook_action.rights import needed, rights
from tests.integration.runbook_action.drain_scene import beside, kept_ready
from tests.integration.runbook_action.rights.trying import Trial, open_cluster_wide
from tests.integration.runbook_action.support import Place

pytestmark = pytest.mark.kubernetes
Pair = tuple[str, TargetKind]
Trials = Callable[[Pair], Trial]


def _pairs() -> list[Pair]:
    """Every action on every kind of target; actions of two names that are one, once."""
    found: dict[tuple[object, TargetKind, tuple[Right, ...]], Pair] = {}
    for name, action in sorted(REGISTRY.items()):
        for kind in sorted(action.target_kinds):
            if declared := needed(action, kind):
                found.setdefault((type(action), kind, declared), (name, kind))
    return list(found.values())


# A drain asks whom pods belong to. One that has such an owner is let go or collected at once, by
# the very controllers that own it here; tests/unit/runbook_action/test_drain_consent.py shows that
# each of these is read.
_OF_OWNERS = {right for kind in ASKED for right in rights(kind, "get", where="cluster")}
# None: none is missing. The last of its pair, because what it changes stays; not apart from the
# others, which share what is set up for the pair.
CASES: list[tuple[Pair, Right | None]] = [
    (pair, right)
    for pair in _pairs()
    for right in (*needed(REGISTRY[pair[0]], pair[1]), None)
    if right not in _OF_OWNERS
]


@pytest.fixture(scope="module")
def trials(
    open_place: Callable[[], AbstractContextManager[Place]],
) -> Iterator[Trials]:
    """One action on one kind of target in a namespace of its own, until another one is asked for.

    Not a fixture with parameters: pytest would make it anew for each right.
    """
    with ExitStack() as stack:
        found: dict[Pair, Trial] = {}

        def trial_of(pair: Pair) -> Trial:
            if pair not in found:
                stack.close()
                found.clear()
                found[pair] = _opened(pair, stack, open_place)
            return found[pair]

        yield trial_of


def _opened(
    pair: Pair,
    stack: ExitStack,
    open_place: Callable[[], AbstractContextManager[Place]],
) -> Trial:
    name, kind = pair
    place = stack.enter_context(open_place())
    stack.callback(open_cluster_wide(place))
    node = f"node-of-{place.namespace}"
    if kind in ("node", "daemonset"):
        core: Any = client.CoreV1Api(place.admin)
        # A group of its own: other tests leave nodes behind that nobody runs.
        core.create_node({"metadata": {"name": node, "labels": {GROUP_LABELS[-1]: node}}})
        stack.callback(core.delete_node, node)
        stack.enter_context(kept_ready(place, node))
        stack.enter_context(beside(place, node))
    trial = Trial(place, REGISTRY[name], kind, node)
    trial.prepare()
    return trial


def _named(value: Any) -> str:
    if value is None:
        return "all"
    if isinstance(value, Right):
        return f"{value.verb} {value.resource}"
    return " on ".join(value)


@pytest.mark.parametrize(("pair", "right"), CASES, ids=_named)
def test_an_action_is_denied_where_one_right_that_it_declares_is_missing_and_only_there(
    trials: Trials, pair: Pair, right: Right | None
) -> None:
    trial = trials(pair)
    declared = needed(trial.action, trial.kind)
    trial.grant(each for each in declared if each != right)
    for each in declared:
        trial.wait_until(each, allowed=each != right)
    if right is None:
        trial.go_through()
        return
    # What keeps a StatefulSet from rolling is looked for only where there is time to wait.
    seconds = 5 if trial.kind == "statefulset" and right.resource == "pods/eviction" else 0
    with pytest.raises(AccessDenied, match=rf'cannot {right.verb} resource "{right.resource}"'):
        trial.go_through(seconds)
