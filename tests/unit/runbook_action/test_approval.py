"""A step that asks acts for a signature that AWS knows, of somebody who may, on this very plan."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import urllib3
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from runbook_action import handler as module
from runbook_action.adapters.identities import HEADER, StsIdentities, sts_host
from runbook_action.consent import denial_of
from runbook_action.errors import (
    ActionRefused,
    ApprovalDenied,
    AwsUnavailable,
    InvalidRequest,
    PlanChanged,
    RolloutFailed,
)
from runbook_action.gitops import Policy
from tests.unit.runbook_action.approving import ADA, ASKS, asking, call
from tests.unit.runbook_action.fakes import INCIDENT, TOKEN, World
from tests.unit.runbook_action.invocations import Context, FakeContainer


def test_what_was_approved_is_done_and_names_who(world: World) -> None:
    answer = module.handler(call(approval=asking(world)), Context())
    assert (answer["status"], answer["approved_by"]) == ("succeeded", ADA)


@pytest.mark.parametrize("policy", ["ask", "escalate"])
def test_what_git_decides_is_done_for_who_has_approved_it_though_the_step_asks_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch, policy: Policy
) -> None:
    known = FakeContainer(world)
    known.settings = replace(known.settings, gitops_policy=policy)
    monkeypatch.setattr(known, "services", lambda *_: replace(world.services, git_policy=policy))
    monkeypatch.setattr(module, "container", lambda: known)
    owned = {"manager": "argocd-controller", "fieldsV1": {"f:spec": {"f:replicas": {}}}}
    world.cluster.raw["metadata"]["managedFields"] = [owned]
    if policy == "escalate":
        with pytest.raises(ActionRefused, match="change it there from 3 to 4"):
            asking(world, required=False)
        return
    approval = asking(world, required=False)
    assert module.handler(call("plan"), Context())["asks"] is True
    with pytest.raises(ActionRefused, match="a human has to approve the plan"):
        module.handler(call(approval={"plan_hash": approval["plan_hash"]}), Context())
    forged = {**approval, "proofs": ["forged"]}
    with pytest.raises(ApprovalDenied):
        module.handler(call(approval=forged), Context())
    assert world.calls.writes() == ["create event"]  # that tells of the refusal
    answer = module.handler(call(approval=approval), Context())
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
        {"proofs": ["forged"]},
        {"plan_hash": ""},
        {"plan_hash": "0" * 64},
        {"proofs": "proof"},
        {"proofs": [["proof"]]},
        {"proofs": []},
        {"proofs": ["proof"] * 3},
    ],
)
def test_without_a_signature_that_aws_knows_nothing_is_done(world: World, given: Any) -> None:
    approval = asking(world)
    merged = given and "by" not in given and {**approval, **given}
    with pytest.raises(ApprovalDenied, match="signature"):
        module.handler(call(approval=merged or given), Context())
    assert world.calls.writes() == []
    assert world.approvals.kept == {}


@pytest.mark.parametrize("given", [None, {}, {"by": "mallory"}, {"proofs": []}, {"proofs": None}])
def test_what_the_machine_has_asked_wants_a_signature_though_the_step_asks_nobody(
    world: World, given: Any
) -> None:
    """As of a runbook that somebody has switched to ask: its published step is as it was."""
    approval = asking(world, required=False)
    unsigned = {**(given or {}), "plan_hash": approval["plan_hash"]}
    with pytest.raises(ApprovalDenied, match="signature"):
        module.handler(call(approval=unsigned, asked=True), Context())
    assert world.calls.writes() == []
    assert world.approvals.kept == {}
    answer = module.handler(call(approval=approval, asked=True), Context())
    assert (answer["status"], answer["approved_by"]) == ("succeeded", ADA)


@pytest.mark.parametrize("asked", ["true", 1, {}, "false"])
def test_whether_somebody_was_asked_is_not_guessed(world: World, asked: Any) -> None:
    with pytest.raises(InvalidRequest, match="asked"):
        module.handler(call(approval=asking(world, required=False), asked=asked), Context())
    assert world.calls.writes() == []


def test_what_changed_since_it_was_approved_is_asked_again(world: World) -> None:
    approval = asking(world)
    world.cluster.raw["spec"]["replicas"] = 4
    for _ in range(2):
        with pytest.raises(PlanChanged, match=r"By now the plan is: raise .* from 4 to 5"):
            module.handler(call(approval=approval), Context())
    assert world.calls.writes() == []
    # Who has approved the one plan has not approved the other.
    again = {**approval, "plan_hash": module.handler(call("plan"), Context())["plan_hash"]}
    with pytest.raises(ApprovalDenied, match="signature"):
        module.handler(call(approval=again), Context())
    grace = ADA.replace("ada", "grace")
    world.identities.signatures["proof"] = (grace, f"{TOKEN}/{again['plan_hash']}")
    assert module.handler(call(approval=again), Context())["approved_by"] == grace


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
    with pytest.raises(ApprovalDenied, match="ada may not approve"):
        module.handler(asked, Context())
    assert world.calls.writes() == []


def test_another_account_approves_only_where_it_is_named(world: World) -> None:
    stranger = "arn:aws:iam::111111111111:user/eve"
    with pytest.raises(ApprovalDenied, match="eve may not approve"):
        module.handler(call(approval=asking(world, stranger)), Context())


def test_a_step_that_was_approved_says_nothing_for_another(world: World) -> None:
    planned = asking(world)["plan_hash"]
    world.approvals.kept[f"{INCIDENT}/2/{planned}"] = ADA
    with pytest.raises(ApprovalDenied, match="has to be approved"):
        module.handler(call(plan_hash=planned), Context())
    world.approvals.kept[f"{TOKEN}/{planned}"] = ADA
    assert module.handler(call(plan_hash=planned), Context())["approved_by"] == ADA


SSO = "arn:aws:sts::000000000000:assumed-role/AWSReservedSSO_"


@pytest.mark.parametrize(
    ("one", "other", "may"),
    [
        (ADA, f"{SSO}OnCall_1/grace@example.com", True),
        (f"{SSO}OnCall_1/ada@example.com", f"{SSO}OnCall_1/grace@example.com", True),
        ("arn:aws:iam::000000000000:user/ada", "arn:aws:iam::000000000000:user/grace", True),
        (ADA, ADA, False),
        # A session of a role is named by who assumes it.
        (ADA, ADA.replace("/ada", "/grace"), False),
        (f"{SSO}OnCall_1/ada@example.com", f"{SSO}Admin_2/Ada@example.com", False),
        (f"{SSO}OnCall_1/ada", "arn:aws:iam::000000000000:user/team/Ada", False),
        ("arn:aws:sts::000000000000:federated-user/a", "arn:aws:sts::0:federated-user/b", False),
    ],
)
def test_where_two_persons_have_to_approve_one_of_two_names_does_not_do(
    world: World, one: str, other: str, may: bool
) -> None:
    approvers = ["arn:aws:*"]
    approval = asking(world, one, persons=2, approvers=approvers)
    world.identities.signatures["second"] = (other, world.identities.signatures["proof"][1])
    asked = call(approval={**approval, "proofs": ["proof", "second"]})
    if may:
        assert module.handler(asked, Context())["approved_by"] == f"{one} and {other}"
        return
    with pytest.raises(ApprovalDenied, match=r"by 2 persons, and arn.* and arn.* are one"):
        module.handler(asked, Context())
    assert world.calls.writes() == []
    assert world.approvals.kept == {}


@pytest.mark.parametrize("second", [[], ["forged"]])
def test_one_of_two_persons_does_nothing_alone(world: World, second: list[str]) -> None:
    approval = asking(world, persons=2)
    with pytest.raises(ApprovalDenied, match=r"ada is only one|AWS does not know"):
        module.handler(call(approval={**approval, "proofs": ["proof", *second]}), Context())
    assert world.calls.writes() == []


def test_the_second_of_two_has_to_be_one_who_may(world: World) -> None:
    approval = asking(world, persons=2)
    stranger = "arn:aws:iam::111111111111:user/eve"
    world.identities.signatures["second"] = (stranger, world.identities.signatures["proof"][1])
    with pytest.raises(ApprovalDenied, match="eve may not approve"):
        module.handler(call(approval={**approval, "proofs": ["proof", "second"]}), Context())


def denied(world: World, reason: str = "not in the sale") -> dict[str, Any]:
    approval = asking(world)
    statement = denial_of(f"{INCIDENT}/1", approval["plan_hash"], "not in the sale")
    world.identities.signatures["no"] = (ADA, statement)
    return {**approval, "proofs": ["no"], "denied": reason}


def test_a_denial_names_whom_aws_names(world: World) -> None:
    with pytest.raises(ApprovalDenied, match=rf"^{ADA}: not in the sale$"):
        module.handler(call(approval=denied(world)), Context())
    assert world.calls.writes() == []


@pytest.mark.parametrize(
    "given",
    [{"proofs": ["proof"]}, {"proofs": []}, {"proofs": None}, {"denied": "another reason"}],
)
def test_a_denial_that_nobody_signed_ends_it_too_and_names_nobody(
    world: World, given: dict[str, Any]
) -> None:
    with pytest.raises(ApprovalDenied, match=r"^Somebody whose name is not proven"):
        module.handler(call(approval={**denied(world), **given}), Context())
    assert world.calls.writes() == []


def test_a_denial_approves_nothing_and_counts_whatever_the_runbook_says_by_now(
    world: World,
) -> None:
    approval = denied(world)
    without = {key: approval[key] for key in ("proofs", "plan_hash")}
    with pytest.raises(ApprovalDenied, match="AWS does not know the signature"):
        module.handler(call(approval=without), Context())
    world.approvals.kept[f"{TOKEN}/{approval['plan_hash']}"] = ADA
    world.catalogue.runbooks = (*world.catalogue.runbooks[:-1], {**ASKS, "approval": None})
    with pytest.raises(ApprovalDenied):
        module.handler(call(approval=approval), Context())
    assert world.calls.writes() == []


def test_what_fails_after_it_was_approved_names_who(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise RolloutFailed("pods do not come up.")

    monkeypatch.setattr(module, "_run", fails)
    approval = {"plan_hash": "0" * 64, "proofs": ["proof"]}
    world.approvals.kept[f"{TOKEN}/{approval['plan_hash']}"] = ADA
    world.catalogue.runbooks = (*world.catalogue.runbooks, ASKS)
    with pytest.raises(RolloutFailed, match=rf"come up\. \(Approved by {ADA}\.\)"):
        module.handler(call(approval=approval), Context())


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
