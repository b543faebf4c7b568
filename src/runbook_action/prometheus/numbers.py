"""Numbers that the conditions of a step (``when``) ask Prometheus for."""

from __future__ import annotations

from runbook_action.ports import Services
from runbook_action.prometheus.judged import one_number
from runbook_action.prometheus.port import Unanswered
from runbook_action.prometheus.promql import filled
from runbook_action.prometheus.recovery import names_of
from runbook_action.request import Request
from runbook_action.steps import METRIC


def numbers_of(request: Request, services: Services) -> dict[str, float]:
    """Give the number of each query among a request's conditions, by the name of its fact.

    What has no one number (no data, several series, NaN, no answer, no Prometheus) is left out: it
    is unknown, and no condition on it holds.
    """
    prometheus = services.prometheus
    if prometheus is None:
        return {}
    found = {}
    names = names_of(request.target, services.cluster_name)
    now = services.clock.now().timestamp()
    for fact in dict.fromkeys(each.fact for each in request.when):
        if not fact.startswith(METRIC):
            continue
        try:
            number = one_number(prometheus.at(filled(fact.removeprefix(METRIC), names), now))
        except Unanswered:
            continue
        if number is not None:
            found[fact] = number
    return found
