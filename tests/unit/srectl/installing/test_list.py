"""The list of steps itself: every part of it is there, is used, and is shell that bash reads."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from srectl.errors import CommandFailed
from srectl.installing import plan, preflight, script
from srectl.installing.plan import Plan, named
from srectl.installing.settings import given, settled
from srectl.placeholders import leads_nowhere

ROOT = Path(__file__).parents[4]

# Variables of bash itself, of a command's own, and of the constants.
OWN = {"HOME", "SITE", "CLUSTER", "ACCOUNT_ID", "KUBECONFIG", "SRE_PLATFORM_KEY"}


def texts(listed: Plan) -> list[str]:
    """Every piece of shell text of the steps."""
    undone = [text for step in listed.steps if step.undo for text in step.undo.commands]
    there = [step.undo.there for step in listed.steps if step.undo]
    commands = [text for step in listed.steps for text in (*step.commands, step.done)]
    return [*commands, *undone, *there]


def test_all_that_is_named_is_known_and_all_that_is_known_is_named(listed: Plan) -> None:
    known = {setting.name for setting in listed.settings} | set(listed.values)
    used = named([*texts(listed), *listed.values.values(), listed.constants])
    choices = {step.when for step in listed.steps if step.when}

    assert used - OWN - {"AWS_DEFAULT_REGION"} <= known
    assert known - used == choices
    assert {setting.name for setting in listed.settings if setting.choice} == choices
    assert {tool for step in listed.steps for tool in step.tools} == set(listed.tools)
    functions = re.findall(r"^(\w+)\(\)", listed.functions, re.MULTILINE)
    whole = "\n".join([*texts(listed), *listed.values.values(), listed.functions])
    assert [name for name in functions if len(re.findall(rf"\b{name}\b", whole)) < 3] == []


def test_every_step_can_be_told_to_be_done_and_is_taken_back_or_kept_or_goes_with_another(
    listed: Plan,
) -> None:
    assert len({step.id for step in listed.steps}) == len(listed.steps)
    # Sent to Datadog, or looked at: nothing on this side remembers it.
    assert [step.id for step in listed.steps if not step.done] == ["datadog", "proof"]
    without = [step.id for step in listed.steps if not step.undo and not step.kept]
    # Image and catalogue stay in registry and table; the way in goes with the cluster.
    # What is watched is a parameter of the platform, and goes with it.
    assert without == ["image", "reach", "runbooks", "heartbeat"]


def test_every_file_that_a_command_reads_is_one_that_the_step_is_done_anew_for(
    listed: Plan,
) -> None:
    for step in listed.steps:
        assert [name for name in step.files if name[0] != "$" and not (ROOT / name).exists()] == []
        text = "\n".join(step.commands)
        read = {word for word in re.findall(r"[\w./-]+", text) if (ROOT / word).is_file()}
        # Of a copy of the checkout what it is copied from.
        read |= set(re.findall(r"(?:-k|cp -R) (\w\S+)", text))
        # What is done once is not done anew, and a changed image is one of another tag.
        if not step.once and step.id != "image":
            missing = [
                name
                for name in read
                if not any(f"{each}/".startswith(f"{name}/") for each in step.files)
                and not any(f"{name}/".startswith(f"{each}/") for each in step.files)
            ]
            assert missing == [], step.id


def test_bash_reads_every_command_and_every_check(listed: Plan) -> None:
    whole = "\n".join(script.command(listed, text) for text in texts(listed) if text)
    checks = "\n".join(script.check(listed, step.done) for step in listed.steps if step.done)

    done = subprocess.run(
        ["bash", "-n"], input=f"{whole}\n{checks}", text=True, capture_output=True, check=False
    )

    assert done.returncode == 0, done.stderr


def test_a_check_stops_at_its_first_part_that_does_not_hold(listed: Plan) -> None:
    # Bash does not heed 'set -e' in what it asks for: the parts hang together by &&.
    for step in listed.steps:
        joined = re.sub(r"\\\n", " ", step.done)
        lines = [line for line in joined.splitlines() if line.strip()]
        assert all(line.rstrip().endswith("&&") for line in lines[:-1]), step.id


def test_no_variable_stands_unquoted_where_it_could_be_two_words(listed: Plan) -> None:
    for text in texts(listed):
        inside = re.sub(r"<<SITE\n.*?^SITE", "", text, flags=re.DOTALL | re.MULTILINE)
        # What is within double or single quotes, a value, or a test is one word.
        bare = re.sub(r"'[^']*'", "", inside)
        while re.search(r'"[^"()]*"', bare):
            bare = re.sub(r'"[^"()]*"', "", bare)
        bare = re.sub(r'"[^"]*"', "", bare)
        found = re.findall(r"(?<![=\w])\$[\w{][^\s]*", bare)
        # The one that is to vanish where it is empty.
        assert [each for each in found if "PLATFORM_PARAMETERS" not in each] == [], text


def test_values_come_with_those_that_they_name_in_their_order(listed: Plan) -> None:
    assert list(listed.values_of('"$ROUTE_TABLES"')) == ["VPC_ID", "SUBNETS", "ROUTE_TABLES"]
    assert [each.name for each in listed.settings_of('"$IMAGE"')] == ["IMAGE_TAG"]


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("DOMAIN_NAME", "sets nothing"),
        ("NAME=x", "sets nothing"),
        ("OPERATORS_CIDR=mine", "such as 198.51.100.0/24"),
        ("OPERATORS_CIDR=0.0.0.0/0", "/8 or narrower"),
        ("OPERATORS_CIDR=999.0.0.0/24", "such as 198.51.100.0/24"),
        ("OPERATORS_CIDR=10.0.0/24", "such as 198.51.100.0/24"),
        ("OPERATORS_CIDR=10.0.0.0/99", "such as 198.51.100.0/24"),
        ("DOMAIN_NAME=-.aa", "something like shop.example.com"),
        ("TRAIL=maybe", "yes or no"),
        ("DD_API_KEY=hush", "a secret"),
        ("AWS_REGION=eu-west-1", "export AWS_REGION"),
        ("PLATFORM_PARAMETERS=mine.yaml", "an absolute path"),
        ("RUNBOOKS_URL=https://runbooks.example.com", "is an example"),
        ("RUNBOOKS_URL=https://wiki.example:8443/x", "is an example"),
        ("RUNBOOKS_URL=http://wiki.shop.internal", "an address of yours with https://"),
        ("RUNBOOKS_URL=https://wiki.shop.internal/", "without a / at its end"),
        ("RUNBOOKS_URL=https://wiki.shop.internal/$(id)", "an address of yours"),
        ("RUNBOOKS_URL=", "an address of yours"),
        ("GRAFANA_URL=https://grafana.example.org", "is an example"),
        ("HEARTBEAT_CLUSTERS=a,b,c,d,e", "one to four"),
        ("HEARTBEAT_CLUSTERS=,a", "one to four"),
        ("HEARTBEAT_CLUSTERS=a b", "one to four"),
        ('NOTIFICATION_EMAIL=a@b"; rm', "something like oncall@example.com"),
    ],
)
def test_an_answer_that_will_not_do_is_refused_with_the_reason(
    listed: Plan, word: str, said: str
) -> None:
    with pytest.raises(CommandFailed) as failed:
        given(listed, [word])
    assert said in f"{failed.value.message} {failed.value.hint}"
    assert "hush" not in f"{failed.value.message} {failed.value.hint}"
    assert failed.value.exit_code == 2


@pytest.mark.parametrize(
    ("url", "nowhere"),
    [
        ("https://runbooks.example.com/CheckoutDown", True),
        ("https://EXAMPLE.org", True),
        ("https://wiki.example:8443/x", True),
        ("https://oncall@grafana.test?x", True),
        ("http://localhost:3000/d/x", True),
        ("https://wiki.example.com.shop.net/x", False),
        ("https://wiki.shop.net/example.com", False),
        ("https://my-example.com", False),
        ("https://contest.shop.net", False),
    ],
)
def test_python_and_shell_agree_on_what_is_an_example(
    listed: Plan, url: str, nowhere: bool
) -> None:
    text = f"set -euo pipefail\n{listed.functions}\nleads_somewhere '{url}'"
    done = subprocess.run(["bash", "-c", text], capture_output=True, check=False)

    assert leads_nowhere(url) is nowhere
    assert (done.returncode != 0) is nowhere


@pytest.mark.parametrize("region", ["cn-north-1", "us-gov-west-1"])
def test_a_region_without_an_edge_is_refused_before_anything_begins(
    listed: Plan, region: str
) -> None:
    (setting,) = [each for each in listed.settings if each.name == "AWS_REGION"]
    assert "of the partition aws" in setting.problem(region)
    assert setting.problem("eu-west-1") == ""


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("echo stack s", 0),
        ("echo 'Stack with id s does not exist' >&2; false", 1),
        ("echo 'An error occurred (ResourceNotFoundException): no' >&2; false", 1),
        ("echo 'Error from server (NotFound): secrets' >&2; false", 1),
        ("echo 'Error: release: not found' >&2; false", 1),
        ("echo 'An error occurred (AccessDenied)' >&2; false", script.UNSEEN),
        ("echo 'Unable to connect to the server' >&2; false", script.UNSEEN),
        ("no-such-program", script.UNSEEN),
    ],
)
def test_what_is_not_there_is_told_from_what_cannot_be_seen(
    listed: Plan, said: str, code: int
) -> None:
    text = f"set -euo pipefail\n{listed.functions}\nasked() {{ {said}; }}\n( seen asked )"
    done = subprocess.run(["bash", "-c", text], capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert bool(done.stderr) == (code == script.UNSEEN)


def test_what_is_taken_back_is_looked_for_so_that_a_missing_right_is_no_absence(
    listed: Plan,
) -> None:
    looked = {step.id: step.undo.there or step.done for step in listed.steps if step.undo}
    blind = [
        name
        for name, check in looked.items()
        if not check.startswith(("exists ", "in_cluster ", "seen "))
    ]
    assert blind == ["proof"]  # the next one sees the same stack


def test_a_secret_that_cannot_be_read_ends_the_command(listed: Plan) -> None:
    """What fails within the words of another command is not noticed by 'set -e'."""
    for step in listed.steps:
        for command in step.commands:
            inside = re.sub(r"\\\n", " ", command)
            assert not re.search(r'^\s*printf .*"\$\(', inside, re.MULTILINE), step.id


def test_every_default_and_example_is_an_answer_that_will_do(listed: Plan) -> None:
    for setting in listed.settings:
        if not setting.secret:
            answer = setting.example or setting.default
            assert answer is not None
            # Who leaves an address as it stands in the guide has said nothing.
            assert bool(setting.problem(answer)) == setting.link, setting.name
    # No address at all is an answer for the one that may be left out.
    assert [each.name for each in listed.settings if each.link and not each.problem("")] == [
        "GRAFANA_URL"
    ]


def test_nothing_is_asked_that_was_said_before(listed: Plan) -> None:
    asked = []

    def ask(setting: plan.Setting, default: str | None) -> str:
        asked.append(setting.name)
        return "https://wiki.shop.internal" if setting.link else default or setting.example

    once = settled(listed.settings, {"AWS_REGION": "eu-west-1"}, ask)
    assert "DD_API_KEY" not in asked  # nobody chose Datadog
    asked.clear()

    assert settled(listed.settings, once, ask) == once
    assert asked == []


class Shell:
    """A shell whose tools say what they are told to."""

    def __init__(self, **said: str) -> None:
        self.said = said

    def version(self, command: str) -> str:
        """Give what a tool prints."""
        return self.said[command.split()[0]]


def test_versions_are_compared_as_numbers(listed: Plan) -> None:
    steps = [listed.step("cluster"), listed.step("controller")]
    said = {"aws": "aws-cli/2.31.4", "eksctl": "0.1000.0", "kubectl": "gitVersion: v1.4.0"}

    found = preflight.tools(listed, steps, Shell(**said, helm=""))  # type: ignore[arg-type]

    assert sorted(each.what.split(" (")[0] for each in found) == [
        "helm is missing or does not work",
        "kubectl 1.4.0 is too old: 1.35 or newer",
    ]
    assert {each.steps for each in found} == {("controller",)}


def test_the_rights_of_a_session_are_those_of_its_role_with_its_path(listed: Plan) -> None:
    class Iam:
        def get_role(self, RoleName: str) -> dict[str, dict[str, str]]:  # noqa: N803
            return {"Role": {"Arn": f"arn:aws:iam::1:role/path/{RoleName}"}}

        def simulate_principal_policy(self, **asked: object) -> dict[str, list[dict[str, str]]]:
            assert asked["PolicySourceArn"] == "arn:aws:iam::1:role/path/deploy"
            # By policies that allow some regions only.
            assert "'ContextKeyValues': ['eu-west-1']" in str(asked["ContextEntries"])
            refused = {"EvalActionName": "kms:CreateKey", "EvalDecision": "explicitDeny"}
            return {"EvaluationResults": [refused]}

    caller = "arn:aws:sts::1:assumed-role/deploy/ada"
    found, unknown = preflight.rights(Iam(), caller, "eu-west-1", [listed.step("key")])

    assert ([each.what for each in found], unknown) == (["kms:CreateKey is refused"], "")
    assert preflight.rights(None, "arn:aws:iam::1:root", "eu-west-1", listed.steps) == ([], "")


def test_without_the_checkout_it_is_said_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="the list of steps cannot be read"):
        plan.load(tmp_path)
