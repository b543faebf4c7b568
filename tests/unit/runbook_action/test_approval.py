"""A step that asks acts for a signature that AWS knows, of somebody who may, on this very plan."""

from __future__ import annotations

from typing import Any

import pytest
import urllib3
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from runbook_action import handler as module
from runbook_action.adapters.identities import HEADER, StsIdentities, sts_host
from runbook_action.approval import plan_hash
from runbook_action.errors import ActionRefused, AwsUnavailable, PlanChanged
from tests.unit.runbook_action.fakes import INCIDENT, TOKEN, World
from tests.unit.runbook_action.invocations import Context, event

ADA = "arn:aws:sts::000000000000:assumed-role/oncall/ada"
ASKS: dict[str, Any] = {
    "name": "Asks",
    "action": "scale_deployment",
    "target": {"kind": "deployment", "namespace": "apps", "name": "checkout"},
    "parameters": {"step": 1, "max_replicas": 6},
    "on_failure": "undo",
    "approval": {"required": True},
}


def call(operation: str = "execute", **changes: Any) -> dict[str, Any]:
    asked = event(operation=operation, runbook="Asks", action="scale_deployment", **changes)
    return {**asked, "parameters": ASKS["parameters"]}


def asking(world: World, who: str = ADA, **approval: Any) -> dict[str, Any]:
    """Publish it, let it be planned and signed; give the approval."""
    asks = {**ASKS, "approval": {"required": True, **approval}}
    world.catalogue.runbooks = (*world.catalogue.runbooks, asks)
    planned = module.handler(call("plan"), Context())["plan_hash"]
    world.identities.signatures["proof"] = (who, f"{INCIDENT}/1/{planned}")
    world.calls.log.clear()
    return {"proof": "proof", "plan_hash": planned}


def test_what_was_approved_is_done_and_names_who(world: World) -> None:
    answer = module.handler(call(approval=asking(world)), Context())
    assert (answer["status"], answer["approved_by"]) == ("succeeded", ADA)


def test_it_is_asked_of_aws_once_although_the_plan_is_gone_then(world: World) -> None:
    approval = asking(world)
    for _ in range(3):
        answer = module.handler(call(approval=approval), Context())
        assert (answer["status"], answer["approved_by"]) == ("succeeded", ADA)
    assert world.identities.asked == 1


@pytest.mark.parametrize(
    "given",
    [
        None,
        {},
        {"by": "ada"},
        {"proof": "forged"},
        {"plan_hash": ""},
        {"proof": ["proof"]},
    ],
)
def test_without_a_signature_that_aws_knows_nothing_is_done(world: World, given: Any) -> None:
    approval = asking(world)
    merged = given and "by" not in given and {**approval, **given}
    with pytest.raises(ActionRefused, match="signature"):
        module.handler(call(approval=merged or given), Context())
    assert world.calls.writes() == []
    assert world.approvals.kept == {}


def test_what_changed_since_it_was_approved_is_asked_again(world: World) -> None:
    approval = asking(world)
    world.cluster.raw["spec"]["replicas"] = 4
    with pytest.raises(PlanChanged, match=r"another one than .*ada approved"):
        module.handler(call(approval=approval), Context())
    assert world.calls.writes() == []
    assert world.approvals.kept == {}


@pytest.mark.parametrize(
    ("approvers", "may"),
    [
        ([ADA], True),
        (["arn:aws:iam::*:user/*", "arn:aws:sts::000000000000:assumed-role/oncall/*"], True),
        (["arn:aws:sts::000000000000:assumed-role/oncall/grace"], False),
        (["arn:aws:sts::*:assumed-role/*/a.a"], False),
    ],
)
def test_who_may_approve_stands_in_the_published_runbook(
    world: World, approvers: list[str], may: bool
) -> None:
    asked = call(approval=asking(world, approvers=approvers))
    if may:
        assert module.handler(asked, Context())["approved_by"] == ADA
        return
    with pytest.raises(ActionRefused, match="ada may not approve"):
        module.handler(asked, Context())
    assert world.calls.writes() == []


def test_another_account_approves_only_where_it_is_named(world: World) -> None:
    stranger = "arn:aws:iam::111111111111:user/eve"
    with pytest.raises(ActionRefused, match="eve may not approve"):
        module.handler(call(approval=asking(world, stranger)), Context())


def test_a_step_that_was_approved_says_nothing_for_another(world: World) -> None:
    world.approvals.kept[f"{INCIDENT}/2"] = ADA
    asking(world)
    with pytest.raises(ActionRefused, match="has to be approved"):
        module.handler(call(), Context())
    world.approvals.kept[TOKEN] = ADA
    assert module.handler(call(), Context())["approved_by"] == ADA


def test_times_do_not_make_another_plan() -> None:
    def plan(at: str, replicas: int = 3) -> list[dict[str, Any]]:
        return [{"field": "restartedAt", "from": None, "to": at}, {"to": replicas}]

    one = plan_hash(plan("2026-11-27T06:00:00Z"))
    assert one == plan_hash(plan("2026-11-27T06:00:07.5Z"))
    assert one != plan_hash(plan("2026-11-27T06:00:00Z", 4))


# ------------------------------------------------------------------ STS
class Pool:
    """Stands in for the way to STS."""

    def __init__(self, status: int, body: str) -> None:
        self.answer = urllib3.HTTPResponse(body.encode(), status=status)
        self.calls: list[tuple[str, dict[str, str]]] = []

    def request(self, _method: str, url: str, headers: dict[str, str], **_: Any) -> Any:
        self.calls.append((url, headers))
        return self.answer


def proof(**changes: str) -> str:
    request = AWSRequest(
        "GET",
        f"https://{sts_host('eu-central-1')}/?Action=GetCallerIdentity&Version=2011-06-15",
        headers={HEADER: "s", **changes},
    )
    SigV4QueryAuth(Credentials("a", "b"), "sts", "eu-central-1", expires=900).add_auth(request)
    return str(request.url).partition("?")[2]


def sts(status: int = 200, body: str = f"<Arn>{ADA}</Arn>") -> tuple[StsIdentities, Pool]:
    found, pool = StsIdentities("https://sts.test/", sts_host("eu-central-1")), Pool(status, body)
    found._pool = pool  # type: ignore[assignment]  # a stand-in
    return found, pool


def test_only_sts_is_asked_and_with_what_must_have_been_signed() -> None:
    identities, pool = sts()
    assert identities.signer(proof(), "statement") == ADA
    ((url, headers),) = pool.calls
    assert url.startswith("https://sts.test/?Action=GetCallerIdentity&")
    assert headers == {"Host": "sts.eu-central-1.amazonaws.com", HEADER: "statement"}


@pytest.mark.parametrize(
    "other",
    [
        "",
        "Action=AssumeRole&" + proof().partition("&")[2],
        proof().replace("x-sre-approval", "x-other"),
        proof() + "&x=" + "x" * 20_000,
        "Action=AssumeRole&" + proof(),
    ],
)
def test_what_is_no_signed_approval_is_not_even_sent(other: str) -> None:
    identities, pool = sts()
    with pytest.raises(ActionRefused, match="no signed GetCallerIdentity"):
        identities.signer(other, "statement")
    assert pool.calls == []


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [(403, "", ActionRefused), (503, "", AwsUnavailable), (200, "<a/>", AwsUnavailable)],
)
def test_whom_sts_does_not_name_has_not_approved(
    status: int, body: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        sts(status, body)[0].signer(proof(), "statement")
