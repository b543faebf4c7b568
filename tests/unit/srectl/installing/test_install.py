"""The whole way there and back, on stand-ins for every program: shown, asked, run, remembered."""

from __future__ import annotations

import json
import os
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from botocore.loaders import Loader
from botocore.model import ServiceModel
from click.testing import CliRunner, Result

from srectl.commands import install as commands
from srectl.installing import script
from srectl.installing.memory import Memory, place
from srectl.installing.plan import Plan
from tests.support.standins import Call, World
from tests.support.standins.grammar import COMMANDS

ANSWERS = {
    "OPERATORS_CIDR": "198.51.100.0/24",
    "DOMAIN_NAME": "shop.example.org",
    "HOSTED_ZONE_ID": "Z0123456789",
    "NOTIFICATION_EMAIL": "oncall@example.org",
    "RUNBOOKS_URL": "https://wiki.shop.internal/on/call",
}
SET = [word for name, value in ANSWERS.items() for word in ("--set", f"{name}={value}")]
ROOT = Path(__file__).parents[4]
# What all calls of the CLI take.
GLOBAL = {"query", "output", "region"}


class Iam:
    """An IAM that refuses some actions."""

    def __init__(self, *refused: str) -> None:
        self.refused = refused

    def simulate_principal_policy(self, **asked: Any) -> dict[str, Any]:
        """Judge actions."""
        assert asked["PolicySourceArn"] == "arn:aws:iam::111122223333:user/ada"
        return {
            "EvaluationResults": [
                {
                    "EvalActionName": name,
                    "EvalDecision": "implicitDeny" if name in self.refused else "allowed",
                }
                for name in asked["ActionNames"]
            ]
        }


class Session:
    """A session of boto3 that only knows IAM."""

    region_name = "us-east-1"
    iam = Iam()

    def client(self, service: str) -> Iam:
        """Give IAM."""
        assert service == "iam"
        return self.iam


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch, checkout: Path, world: World) -> Session:
    """An account, as AWS would say it."""
    session = Session()

    def begun() -> tuple[Any, Memory]:
        caller = "arn:aws:iam::111122223333:user/ada"
        account = commands.Account("111122223333", caller, session)  # type: ignore[arg-type]
        return account, Memory.read(place("111122223333", "us-east-1"))

    monkeypatch.setattr(commands, "begun", begun)
    monkeypatch.setattr(commands, "PROJECT_ROOT", checkout)
    return session


def run(*words: str, typed: str = "") -> Result:
    """Run ``srectl install`` or ``uninstall``."""
    command = {"install": commands.install, "uninstall": commands.uninstall}[words[0]]
    return CliRunner().invoke(command, words[1:], input=typed)


def made(world: World) -> list[str]:
    """Give the calls that change something."""
    asking = (
        *("describe-", "get-", " get ", " status ", " list ", "version", "can-i", "http_code"),
        *("cloudformation wait", "kubectl -n apps wait"),
    )
    return [
        re.sub(r"tmp\.\w+", "FOLDER", str(call))
        for call in world.calls()
        if not any(each in str(call) for each in asking) and "--dry-run" not in str(call)
    ]


def test_all_is_installed_then_nothing_is_left_to_do_then_all_is_taken_back_but_what_is_kept(
    session: Session,
    world: World,
    checkout: Path,
    capfd: pytest.CaptureFixture[str],
    listed: Plan,
) -> None:
    installed = run("install", "--yes", *SET)

    assert installed.exit_code == 0, installed.output
    assert world.things() >= {
        *(
            f"stack sre-platform-{each}"
            for each in ("keys", "registry", "audit", "network", "edge", "outside")
        ),
        *("stack sre-platform", "cluster", "image 1.0.0", "entry", "release kube-prometheus-stack"),
    }
    assert "datadog" not in str(world.calls())
    refused = [str(call) for call in world.calls() if call.tool == "aws" and _refusal(call)]
    assert world.refusals() + refused == []
    site = (world.folder / "site.env").read_text("utf-8")
    assert "IMAGE=111122223333.dkr.ecr.us-east-1.amazonaws.com/checkout:1.0.0\n" in site
    links = (world.folder / "monitoring.env").read_text("utf-8")
    assert links == "RUNBOOKS=wiki.shop.internal/on/call\nGRAFANA=\n"
    assert (world.folder / "heartbeats").read_text("utf-8") == "sre-platform,,,\n"
    # The checkout stays as it is: no account's values in what is committed and pulled.
    production = "eks/apps/overlays/production/site.env"
    assert (checkout / production).read_text("utf-8") == (ROOT / production).read_text("utf-8")
    (cluster,) = [each.piped for each in world.calls() if "create cluster" in str(each)]
    assert "111122223333:alias/" in cluster
    assert "[198.51.100.0/24]" in cluster

    memory = place("111122223333", "us-east-1")
    said = installed.output + "".join(capfd.readouterr()) + memory.read_text("utf-8")
    words = [word for call in world.calls() for word in call.words]
    assert [word for word in [*words, said] if re.search("SECRET-?of", word)] == []
    assert "SECRET-of-the-registry" in [call.piped.strip() for call in world.calls()]
    assert memory.stat().st_mode & 0o77 == 0

    world.forget_calls()
    assert run("install", "--yes").exit_code == 0
    assert made(world) == []

    assert run("install", "--yes", "--set", "IMAGE_TAG=1.0.1").exit_code == 0
    anew = [
        call for call in made(world) if call.startswith(("docker push", "aws", "sam", "eksctl"))
    ]
    assert anew == ["docker push 111122223333.dkr.ecr.us-east-1.amazonaws.com/checkout:1.0.1"]

    world.forget_calls()
    removed = run("uninstall", "--yes")
    assert removed.exit_code == 0, removed.output
    assert [call.split(" --")[0] for call in made(world)] == [
        "srectl mode off",
        "aws cloudformation delete-stack",  # the view from outside
        "aws cloudformation delete-stack",  # the edge
        "aws eks update-kubeconfig",  # whoever takes it down may not have made it
        "helm uninstall kube-prometheus-stack",
        "kubectl -n monitoring delete secret sre-platform-webhook",
        "aws cloudformation delete-stack",  # the samples
        "aws eks update-kubeconfig",
        "kubectl -n apps delete ingress checkout",
        "aws eks delete-access-entry",
        "sam delete",
        "aws cloudformation delete-stack",  # the network
        "helm uninstall aws-load-balancer-controller",
        "eksctl delete cluster",
    ]
    assert {each for each in world.things() if not each.startswith("secret")} == {
        *("stack sre-platform-keys", "stack sre-platform-registry", "stack sre-platform-audit"),
        *("image 1.0.0", "image 1.0.1"),
    }
    for kept in script.kept(listed):
        assert kept.what.split(",")[0] in removed.output
    assert "platform" not in json.loads(memory.read_text("utf-8"))["steps"]


def test_a_new_load_balancer_is_watched_instead_of_the_one_that_is_gone(
    session: Session, world: World
) -> None:
    """By the next run, whatever that was for: nobody has to name the step."""
    assert run("install", "--yes", *SET).exit_code == 0
    (world.folder / "target group").write_text("k8s-2/ffffffffffffffff")
    world.forget_calls()

    assert run("install", "--yes").exit_code == 0
    (deployed,) = made(world)
    assert deployed.startswith("aws cloudformation deploy --stack-name sre-platform-outside ")
    assert "LoadBalancer=app/k8s-1/0a1b2c3d4e5f6071 " in deployed
    assert "TargetGroup=targetgroup/k8s-2/ffffffffffffffff" in deployed

    world.forget_calls()
    assert run("install", "--yes").exit_code == 0
    assert made(world) == []


@pytest.mark.parametrize(("heard", "said"), [("on", False), ("off", True)])
def test_alarms_that_nobody_hears_are_told_where_they_are_made(
    session: Session, world: World, capfd: pytest.CaptureFixture[str], heard: str, said: bool
) -> None:
    (world.folder / "alarms heard").write_text(heard)

    assert run("install", "--yes", *SET).exit_code == 0
    assert ("CloudWatchAlarms is off" in capfd.readouterr().err) is said


def test_an_alert_has_a_link_to_grafana_where_people_can_open_it(
    session: Session, world: World
) -> None:
    grafana = "GRAFANA_URL=https://grafana.shop.internal"
    assert run("install", "--yes", *SET).exit_code == 0
    assert "dashboard_url" not in (world.folder / "monitoring.yaml").read_text("utf-8")
    world.forget_calls()

    assert run("install", "--yes", "--set", grafana).exit_code == 0
    links = (world.folder / "monitoring.env").read_text("utf-8")
    assert links.endswith("\nGRAFANA=grafana.shop.internal\n")
    assert "dashboard_url" in (world.folder / "monitoring.yaml").read_text("utf-8")
    assert "sam deploy" not in str(made(world))


def test_the_clusters_whose_silence_rings_are_those_that_were_named_and_no_others(
    session: Session, world: World
) -> None:
    assert run("install", "--yes", *SET).exit_code == 0
    for named, kept in (("sre-platform,west=prod-west", ",,"), ("", ",,,")):
        world.forget_calls()
        assert run("install", "--yes", "--set", f"HEARTBEAT_CLUSTERS={named}").exit_code == 0
        assert (world.folder / "heartbeats").read_text("utf-8") == f"{named}{kept}\n"
        deployed = [call for call in made(world) if call.startswith("sam deploy")]
        assert len(deployed) == 1, "the platform itself was deployed, too"
        assert world.refusals() == []


def test_a_link_to_an_example_is_refused_before_anything_begins(
    session: Session, world: World
) -> None:
    for name in ("RUNBOOKS_URL", "GRAFANA_URL"):
        refused = run("install", "--yes", *SET, "--set", f"{name}=https://wiki.example.com/oncall")
        assert refused.exit_code == 2
        assert "is an example" in refused.output
    assert made(world) == []


def test_the_printed_script_refuses_a_link_to_an_example_as_well(
    session: Session, world: World, tmp_path: Path
) -> None:
    world.make("cluster", "stack sre-platform", "stack sre-platform-observability", "ingress")
    printed = run("install", "--print", "--from", "monitoring", "--without", "datadog")
    file = tmp_path / "install.sh"
    file.write_text(printed.stdout)
    answers = {**ANSWERS, "AWS_REGION": "us-east-1", "RUNBOOKS_URL": "https://wiki.example.com/x"}

    done = subprocess.run(
        ["bash", str(file)],
        cwd=ROOT,
        env={**os.environ, **answers},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert "is an example, and links to it lead nowhere" in done.stderr
    assert not (world.folder / "monitoring.yaml").exists()


def test_after_a_failure_it_goes_on_with_the_command_that_failed(
    session: Session, world: World
) -> None:
    world.make(
        "cluster", "stack sre-platform-network", "stack sre-platform-registry", "image 1.0.0"
    )
    world.fail_once("sam deploy")

    failed = run("install", "--yes", *SET)

    assert failed.exit_code == 1
    assert isinstance(failed.exception, SystemExit)
    assert "step 'platform' failed: a command ended with 3" in failed.output
    assert "'srectl install' goes on from there" in failed.output
    assert "cluster: found done" in failed.output
    assert "eksctl create cluster" not in str(made(world))
    listing = run("install", "--list").output
    assert "platform     begun" in listing
    assert "edge         open" in listing

    world.forget_calls()
    assert run("install", "--yes").exit_code == 0
    calls = made(world)
    # What is deployed is built from the code as it is by then.
    assert calls[0] == "sam build"
    assert calls[1].startswith("sam deploy --no-confirm-changeset")
    assert [call for call in calls if "docker" in call or "eksctl create cluster" in call] == []


def test_a_failure_in_the_middle_of_a_pipe_or_a_value_ends_the_command(
    session: Session, world: World
) -> None:
    world.fail_once("aws ecr get-login-password")
    assert run("install", "--yes", *SET).exit_code == 1
    assert "docker push" not in str(made(world))

    world.fail_once("RepositoryUri")
    failed = run("install", "--yes")
    assert "step 'image' failed" in failed.output
    assert "docker push" not in str(made(world))


def test_each_command_is_shown_and_asked_about_before_it_runs(
    session: Session, world: World
) -> None:
    *first, pages = ANSWERS.values()
    usual = [""] * 3
    typed = "\n".join([*first, *usual, pages, "", "", *usual, "y", "d", "q"]) + "\n"

    stopped = run("install", typed=typed)

    assert stopped.exit_code == 1, stopped.output
    assert "aws cloudformation deploy --stack-name sre-platform-keys" in stopped.output
    assert "--set" not in stopped.output
    assert made(world) == [
        "aws cloudformation deploy --stack-name sre-platform-keys --template-file eks/keys.yaml"
    ]
    # What was done by hand has to show.
    assert "step 'registry' ran, but it is not done" in stopped.output


def test_what_is_missing_is_said_before_anything_begins(
    session: Session, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.iam = Iam("eks:CreateCluster")
    old = world.folder / "bin" / "eksctl"
    old.write_text("#!/bin/sh\necho 0.99.0\n")
    (world.folder / "bin" / "helm").write_text("#!/bin/sh\nexit 1\n")

    refused = run("install", "--yes", *SET)

    assert refused.exit_code == 1
    assert "eksctl 0.99.0 is too old: 0.230 or newer; for cluster, access" in refused.output
    assert "helm is missing or does not work" in refused.output
    assert "eks:CreateCluster is refused; for cluster" in refused.output
    assert made(world) == []
    asked = run("install", "--yes", "--without-checks", "--without", "cluster", "--set", "x=y")
    assert asked.exit_code == 2


def test_the_printed_script_makes_the_same_calls_and_may_be_run_again(
    session: Session, world: World, checkout: Path, tmp_path: Path, listed: Plan
) -> None:
    printed = run("install", "--print", *SET).stdout
    back = run("uninstall", "--print").stdout
    for text in (printed, back):
        checked = subprocess.run(
            ["bash", "-n"], input=text, text=True, capture_output=True, check=False
        )
        assert checked.returncode == 0, checked.stderr
    assert run("install", "--yes", *SET).exit_code == 0
    by_srectl = made(world)

    other = World.begun(tmp_path / "other")
    environment = {**os.environ, "PATH": other.path, "AWS_REGION": "us-east-1"}

    def bash(text: str) -> str:
        other.forget_calls()
        ran = subprocess.run(
            ["bash", "-c", text],
            cwd=checkout,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    bash(printed)
    assert made(other) == by_srectl
    assert "is done" in bash(printed)
    assert [call for call in made(other) if "install" in call or "deploy" in call] == []
    assert "Kept on purpose" in bash(back)
    assert "cluster" not in other.things()


def test_the_printed_script_has_the_steps_that_are_asked_for(session: Session) -> None:
    def steps(*words: str) -> list[str]:
        return re.findall("^echo .?== (\\w+): ", run(*words, "--print").stdout, re.MULTILINE)

    assert "cluster" in steps("install")
    assert "cluster" not in steps("install", "--without", "cluster")
    assert steps("install", "--from", "edge") == ["edge", "outside", "proof"]
    assert "cluster" not in steps("uninstall", "--without", "cluster")
    assert steps("uninstall", "--from", "controller") == ["controller", "cluster"]
    assert run("install", "--print", "--without", "roof").exit_code == 1


def test_a_new_release_is_installed_and_a_cluster_of_ones_own_outlives_all(
    session: Session, world: World, checkout: Path
) -> None:
    world.make("cluster")
    assert run("install", "--yes", *SET, "--without", "cluster").exit_code == 0
    world.forget_calls()
    with (checkout / "eks/network.yaml").open("a") as template:
        template.write("# another release\n")
    assert run("install", "--yes").exit_code == 0
    assert [call.split(" --p")[0] for call in made(world)] == [
        "aws cloudformation deploy --stack-name sre-platform-network "
        "--template-file eks/network.yaml",
        "srectl doctor",
    ]

    assert run("uninstall", "--yes").exit_code == 0
    assert "cluster" in world.things()
    (place("111122223333", "us-east-1")).unlink()
    assert run("uninstall", "--yes").exit_code == 0
    assert "cluster" in world.things()  # eksctl has not made it


def test_who_may_not_look_is_not_told_that_it_is_gone(session: Session, world: World) -> None:
    assert run("install", "--yes", *SET).exit_code == 0
    world.refuse("describe-stacks --stack-name sre-platform-network")

    stopped = run("uninstall", "--yes")

    assert stopped.exit_code == 1
    assert "nobody can tell whether this is there: exists sre-platform-network" in stopped.output
    assert "AccessDenied" in stopped.output
    assert world.things() >= {"stack sre-platform-network", "cluster"}
    printed = subprocess.run(
        ["bash", "-c", run("uninstall", "--print", "--from", "network").stdout],
        cwd=ROOT,
        env={**os.environ, "AWS_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert printed.returncode == 1
    assert "nobody can tell whether it is there" in printed.stderr
    assert world.things() >= {"stack sre-platform-network", "cluster"}


def test_the_printed_script_says_which_answer_is_missing(session: Session, checkout: Path) -> None:
    text = run("install", "--print").stdout

    def missing(**environment: str) -> str:
        ran = subprocess.run(
            ["bash", "-c", text],
            cwd=checkout,
            env={"PATH": os.environ["PATH"], **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode != 0
        return ran.stderr

    # Nobody installs, or takes down, in a region that nobody has chosen.
    assert "AWS_DEFAULT_REGION: export AWS_REGION=" in missing()
    said = missing(AWS_REGION="eu-west-1")
    assert "OPERATORS_CIDR: who may reach the Kubernetes API" in said
    assert "such as 198.51.100.0/24" in said


def test_secrets_are_taken_from_the_environment_alone_and_kept_nowhere(
    session: Session, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("install", "--yes", *SET, "--set", "DD_API_KEY=SECRET").exit_code == 2
    asked = run("install", "--yes", *SET, "--set", "DATADOG=yes")
    assert asked.exit_code == 2
    assert "nothing says DD_API_KEY, DD_APP_KEY" in asked.output
    monkeypatch.setenv("DD_API_KEY", "SECRET-api")
    monkeypatch.setenv("DD_APP_KEY", "SECRET-app")

    installed = run("install", "--yes", *SET, "--set", "DATADOG=yes")

    assert installed.exit_code == 0, installed.output
    assert "release datadog" in world.things()
    assert [word for call in world.calls() for word in call.words if "SECRET" in word] == []
    assert "SECRET" not in place("111122223333", "us-east-1").read_text("utf-8")


@cache
def _model(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def _refusal(call: Call) -> str:
    """Say what the service's model does not know of a call of the AWS CLI."""
    if any(" ".join(call.words).startswith(known) for known in COMMANDS["aws"]):
        return ""
    service, operation, *words = call.words
    model = _model(service)
    names = {xform_name(name, "-"): name for name in model.operation_names}
    if operation not in names:
        return f"{service} has no {operation}"
    shape = model.operation_model(names[operation]).input_shape
    given = {word[2:] for word in words if word.startswith("--")} - GLOBAL
    members = {xform_name(name, "-") for name in shape.members} if shape else set()
    required = {xform_name(name, "-") for name in shape.required_members} if shape else set()
    booleans = {"include-value"}
    strange = given - members - booleans
    return f"{call}: {strange} {required - given}" if strange or required - given else ""
