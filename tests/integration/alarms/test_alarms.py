"""Every alarm of the template: what it watches is broken, it goes and tells, and comes back.

The scenarios run side by side, each on a part of the platform of its own; those that would get in
each other's way share a lane and run one after the other. An alarm on a queue needs no scenario of
its own.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.integration.alarms.platform import Deployment, alert, eventually
from tests.support.template import deployed, of_type

pytestmark = pytest.mark.localaws

#: Broken once, or again every second until the alarm goes; mended when the block is left.
Broken = Iterator[Callable[[], Any] | None]
Break = Callable[[Deployment], AbstractContextManager[Callable[[], Any] | None]]


def alarms_of_the_template() -> dict[str, dict[str, Any]]:
    return {
        str(each["AlarmName"]["Fn::Sub"]).replace("${NamePrefix}", ""): each
        for each in of_type(deployed(), "AWS::CloudWatch::Alarm").values()
        # Those on clusters have a test of their own, with real monitoring.
        if "sre-monitoring-silent" not in each["AlarmName"]["Fn::Sub"]
    }


# ------------------------------------------------------------------ what can break
@contextmanager
def function_fails(on: Deployment) -> Broken:
    """alert-ingest has lost a variable that it cannot do without."""
    with on.function_environment("alert-ingest", EVENT_BUS_NAME=""):
        yield lambda: on.post(alert("Probe"))


@contextmanager
def ingest_is_throttled(on: Deployment) -> Broken:
    """alert-ingest has no concurrency left."""
    with on.without_concurrency("alert-ingest"):
        yield lambda: on.post(alert("Probe"))


@contextmanager
def a_sender_has_a_wrong_key(on: Deployment) -> Broken:
    yield lambda: on.post(alert("Probe"), key="wrong")


@contextmanager
def a_sender_has_sent_too_much(on: Deployment) -> Broken:
    """It has had its alerts of this hour; what it sends now is taken, but parked."""
    key_id, key = on.sender_key(1)
    try:
        with on.has_sent(key_id, 50_000):
            yield lambda: on.post(alert("TooMany"), key=key)
    finally:
        on.empty_queue("sre-parked-events")


@contextmanager
def action_is_throttled(on: Deployment) -> Broken:
    def invoke() -> None:
        with pytest.raises(on.functions.exceptions.TooManyRequestsException):
            on.functions.invoke(FunctionName="runbook-action", Payload="{}")

    with on.without_concurrency("runbook-action"):
        yield invoke


@contextmanager
def actions_fail(on: Deployment) -> Broken:
    """Steps that the function refuses: each is an error of it."""
    yield lambda: on.functions.invoke(FunctionName="runbook-action", Payload="{}")


@contextmanager
def runbook_fails(on: Deployment) -> Broken:
    """An execution without an event has nothing to work on."""
    arn = on.outputs["RunbookArn"]
    yield lambda: on.steps.start_execution(stateMachineArn=arn, input="{}")


@contextmanager
def notifier_fails(on: Deployment) -> Broken:
    yield lambda: on.start_machine("incident-notifier", "{}")


@contextmanager
def digest_fails(on: Deployment) -> Broken:
    """Somebody stops it while it waits for the end of its window."""
    window = json.dumps({"window": int(time.time() / 300) + 1})

    def stop() -> None:
        on.steps.stop_execution(executionArn=on.start_machine("incident-digest", window))

    yield stop


@contextmanager
def morning_digest_fails(on: Deployment) -> Broken:
    """It is asked for the night before no time."""
    yield lambda: on.start_machine("morning-digest", '{"at": "tomorrow"}')


@contextmanager
def closer_fails(on: Deployment) -> Broken:
    """It has lost the right to look for what is quiet."""
    with on.without_rights("IncidentCloserRole", "incident-closer"):
        yield lambda: on.start_machine("incident-closer", "{}")


@contextmanager
def chat_fails(on: Deployment) -> Broken:
    """What is none of its calls is an error of it."""
    yield lambda: on.functions.invoke(FunctionName="chat-actions", Payload="{}")


@contextmanager
def evidence_fails(on: Deployment) -> Broken:
    yield lambda: on.start_machine("incident-evidence", "{}")


@contextmanager
def climber_fails(on: Deployment) -> Broken:
    yield lambda: on.start_machine("incident-climber", "{}")


@contextmanager
def a_step_fails(on: Deployment) -> Broken:
    yield lambda: on.start_machine("remediation-step", "{}")


@contextmanager
def restorer_fails(on: Deployment) -> Broken:
    yield lambda: on.start_machine("incident-restorer", "{}")


@contextmanager
def recorder_fails(on: Deployment) -> Broken:
    arn = on.outputs["RecorderArn"]
    event = json.dumps({"detail-type": "unheard of", "detail": {"data": {}}})
    yield lambda: on.steps.start_execution(stateMachineArn=arn, input=event)


@contextmanager
def deliveries_fail(on: Deployment) -> Broken:
    """The rule for the records may not start the recorder, and its queue takes nothing either."""
    with (
        on.without_rights("RecordOnlyRole", "start-recorder"),
        on.queue_refuses("sre-dlq-recorder"),
    ):
        yield lambda: on.post(alert("Undelivered"))


@contextmanager
def alarms_do_not_arrive(on: Deployment) -> Broken:
    """The rule for alarms may not call alert-ingest, and its queue takes nothing either."""
    with on.queue_refuses("sre-dlq-functions"), on.no_rule_may_call("alert-ingest"):
        yield lambda: on.change_alarm("anothers-alarm")
        on.cloudwatch.delete_alarms(AlarmNames=["anothers-alarm"])


@contextmanager
def an_incident_is_stuck(on: Deployment) -> Broken:
    """It was taken by a runbook two hours ago; the canary's machine reports its age."""
    key = on.put_incident(status="remediating", age_seconds=7200)
    on.start_canary()
    try:
        yield None
    finally:
        on.delete_incident(key)
        on.start_canary()


@contextmanager
def the_canary_does_not_close(on: Deployment) -> Broken:
    """It runs, but the webhook refuses its key."""
    with on.canary_key_refused():
        yield on.run_canary
    on.run_canary()


@dataclass(frozen=True)
class Scenario:
    """Something that breaks, and the alarms that must see it."""

    alarms: tuple[str, ...]
    broken: Break
    prepare: Callable[[Deployment], Any] = Deployment.alarms


LANES: tuple[tuple[Scenario, ...], ...] = (
    (
        Scenario(("sre-ingest-errors", "sre-webhook-failing"), function_fails),
        Scenario(("sre-ingest-throttled",), ingest_is_throttled),
        Scenario(("sre-delivery-failures", "sre-events-lost"), deliveries_fail),
        # Its alarm has been ringing since the first of these: on AWS, too, until one has closed.
        Scenario(("sre-canary-absent",), the_canary_does_not_close, Deployment.run_canary),
    ),
    (Scenario(("sre-sender-at-limit", "sre-parked-events"), a_sender_has_sent_too_much),),
    (Scenario(("sre-alarms-lost",), alarms_do_not_arrive),),
    (Scenario(("sre-webhook-refusing",), a_sender_has_a_wrong_key),),
    (Scenario(("sre-incident-stuck",), an_incident_is_stuck, Deployment.start_canary),),
    (
        Scenario(("sre-action-throttled",), action_is_throttled),
        Scenario(("sre-remediation-failures",), actions_fail),
    ),
    (Scenario(("sre-runbook-failed",), runbook_fails),),
    (Scenario(("sre-notifier-failed",), notifier_fails),),
    (Scenario(("sre-digest-failed",), digest_fails),),
    (Scenario(("sre-morning-digest-failed",), morning_digest_fails),),
    (Scenario(("sre-closer-failed",), closer_fails),),
    (Scenario(("sre-evidence-failed",), evidence_fails),),
    (Scenario(("sre-climber-failed",), climber_fails),),
    (Scenario(("sre-chat-failed",), chat_fails),),
    (Scenario(("sre-step-failed",), a_step_fails),),
    (Scenario(("sre-restorer-failed",), restorer_fails),),
    (Scenario(("sre-recorder-failed",), recorder_fails),),
)
SCENARIOS = {alarm for lane in LANES for scenario in lane for alarm in scenario.alarms}
QUEUE_ALARMS = sorted(
    name
    for name, each in alarms_of_the_template().items()
    if each.get("Namespace") == "AWS/SQS" and name not in SCENARIOS
)


def go_and_come_back(on: Deployment, scenario: Scenario) -> None:
    """Break it, see the alarms and hear of them; mend it, see them end and hear of that."""

    def are(state: str) -> bool:
        return all(on.is_state(alarm, state) for alarm in scenario.alarms)

    names = " and ".join(scenario.alarms)
    scenario.prepare(on)
    eventually(lambda: are("OK"), f"{names} at rest")
    before = {alarm: len(on.told(alarm)) for alarm in scenario.alarms}
    paged_before = {alarm: len(on.pages(f":alarm:{alarm}")) for alarm in scenario.alarms}
    with scenario.broken(on) as again:
        eventually(lambda: are("ALARM"), f"{names} going", again)
    eventually(lambda: are("OK"), f"{names} coming back")
    for alarm, heard in before.items():
        told = f"{alarm} told"
        eventually(lambda: _went_and_came(on.told(alarm)[heard:]), told)  # noqa: B023 - used at once
    for alarm, heard in paged_before.items():
        eventually(
            lambda: _went_and_came([page.action for page in on.pages(f":alarm:{alarm}")[heard:]]),  # noqa: B023 - used at once
            f"{alarm} paging",
        )


def _went_and_came(told: list[str]) -> bool:
    """Tell whether it went, and came back as often.

    Where what is broken fails seldom, as on a busy machine, it goes more than once; and neither a
    topic nor a pager has to be told in order.
    """
    went = sum(each in ("ALARM", "trigger") for each in told)
    return 0 < went <= sum(each in ("OK", "resolve") for each in told)


@contextmanager
def _message_waits(on: Deployment, queue: str) -> Broken:
    on.fill_queue(queue)
    try:
        yield None
    finally:
        on.empty_queue(queue)


@pytest.fixture(scope="module")
def outcomes(deployment: Deployment) -> Iterator[dict[str, Future[None]]]:
    """Start every scenario; each test waits for its own alarm."""
    done: dict[str, Future[None]] = {alarm: Future() for alarm in SCENARIOS | set(QUEUE_ALARMS)}

    def drive(lane: tuple[Scenario, ...]) -> None:
        for scenario in lane:
            try:
                go_and_come_back(deployment, scenario)
            except BaseException as error:  # noqa: BLE001 - shown by the alarm's own test
                for alarm in scenario.alarms:
                    done[alarm].set_exception(error)
            else:
                for alarm in scenario.alarms:
                    done[alarm].set_result(None)

    queues = tuple(
        Scenario((alarm,), _waiting_in(_queue_of(deployment, alarm))) for alarm in QUEUE_ALARMS
    )
    with ThreadPoolExecutor(len(LANES) + 1) as pool:
        for lane in (*LANES, queues):
            pool.submit(drive, lane)
        yield done


def _waiting_in(queue: str) -> Break:
    return lambda on: _message_waits(on, queue)


def _queue_of(on: Deployment, alarm: str) -> str:
    (dimension,) = on.alarms()[alarm]["Dimensions"]
    return str(dimension["Value"])


def test_every_alarm_has_a_scenario_and_is_deployed(deployment: Deployment) -> None:
    with_scenario = SCENARIOS | set(QUEUE_ALARMS)
    assert with_scenario == set(alarms_of_the_template())
    assert with_scenario <= set(deployment.alarms())


@pytest.mark.parametrize("alarm", sorted(alarms_of_the_template()))
def test_the_alarm_goes_tells_and_comes_back(alarm: str, outcomes: dict[str, Future[None]]) -> None:
    outcomes[alarm].result()


def test_nobody_is_mailed_that_an_alarm_has_its_first_data(
    deployment: Deployment, outcomes: dict[str, Future[None]]
) -> None:
    for outcome in outcomes.values():
        outcome.exception()
    # These take silence for bad: they ring before anybody can be mailed.
    of_silence = ("sre-canary-absent", "sre-monitoring-silent")
    mails = [
        each
        for each in deployment.mailed()
        if each.startswith(("OK: ", "ALARM: ")) and not any(name in each for name in of_silence)
    ]
    assert mails
    well = [mail for at, mail in enumerate(mails) if mail not in [_over(m) for m in mails[:at]]]
    assert [mail for mail in well if mail.startswith("OK: ")] == []


def _over(mail: str) -> str:
    return mail.replace("ALARM: ", "OK: ", 1)
