"""docs/install-eks.md has the commands of eks/install.yaml, and they fit what they name."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from srectl.installing import guide, plan
from tests.support.template import read

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs/install-eks.md").read_text("utf-8")
PLAN = plan.load(ROOT)
COMMANDS = "\n".join(re.findall(r"^```sh\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL))
JOINED = COMMANDS.replace("\\\n", " ")
STACKS = {
    "sre-platform": "template.yaml",
    "sre-platform-keys": "eks/keys.yaml",
    "sre-platform-registry": "eks/registry.yaml",
    "sre-platform-audit": "eks/audit.yaml",
    "sre-platform-network": "eks/network.yaml",
    "sre-platform-edge": "eks/edge.yaml",
    "sre-platform-observability": "eks/observability.yaml",
    "sre-platform-outside": "eks/outside.yaml",
}


def template(stack: str) -> dict[str, Any]:
    return read(ROOT / STACKS[stack])


def deployments() -> dict[str, str]:
    """The command that deploys each stack."""
    found = {}
    for step in PLAN.steps:
        for command in step.commands:
            text = command.replace("\\\n", " ")
            for stack in re.findall(r"aws cloudformation deploy .*?--stack-name (\S+)", text):
                assert stack not in found
                found[stack] = text
            # What is deployed again with other answers is another step.
            if "sam deploy " in text and step.id != "heartbeat":
                assert "sre-platform" not in found
                found["sre-platform"] = text
    return found


def test_the_guide_has_the_commands_of_the_list_and_the_list_those_of_the_guide() -> None:
    assert guide.written(GUIDE, PLAN) == GUIDE, "'make guide' writes it anew"


def test_every_step_stands_once_in_its_section_of_the_guide_in_its_order() -> None:
    heading, found = "", []
    for line in GUIDE.splitlines():
        heading = line[3:] if line.startswith("## ") else heading
        if line.startswith("<!-- install.yaml: step "):
            found.append((line.split()[3], heading))

    assert found == [(step.id, step.section) for step in PLAN.steps]


def test_no_command_of_the_guide_is_unknown_to_the_list() -> None:
    lines = GUIDE.splitlines()
    before = [lines[at - 1] for at, line in enumerate(lines) if line == "```sh"]

    strange = [line for line in before if not re.match(r"<!-- (install.yaml|by hand): ", line)]
    assert strange == []
    assert {match[1] for match in guide.PART.finditer(GUIDE)} >= {
        *("settings", "steps", "undo", "kept"),
        *(f"step {step.id}" for step in PLAN.steps),
    }


def test_the_shell_can_read_every_command() -> None:
    done = subprocess.run(
        ["bash", "-n"], input=COMMANDS, text=True, capture_output=True, check=False
    )

    assert done.returncode == 0, done.stderr


def test_every_template_is_deployed_once() -> None:
    assert deployments().keys() == STACKS.keys()
    for stack, command in deployments().items():
        if stack != "sre-platform":
            assert f"--template-file {STACKS[stack]}" in command


@pytest.mark.parametrize("stack", STACKS)
def test_every_question_without_a_default_is_answered_and_none_is_invented(stack: str) -> None:
    parameters = template(stack).get("Parameters", {})
    given = set(re.findall(r"[\s\"]([A-Z][a-z]+[A-Za-z]*)=", deployments()[stack]))

    assert given <= parameters.keys()
    assert given >= {name for name, spec in parameters.items() if "Default" not in spec}


def test_the_table_has_every_parameter_of_the_platform_as_it_is_shipped() -> None:
    _, _, section = GUIDE.partition("### Every parameter\n")
    rows = [
        [re.findall(r"`([^`]+)`", cell) for cell in row.split("|")[1:3]]
        for row in re.findall(r"^\| `.*", section.partition("\n#")[0], re.MULTILINE)
    ]
    parameters = template("sre-platform")["Parameters"]

    assert sorted(name for names, _ in rows for name in names) == sorted(parameters)
    for names, shipped in rows:
        defaults = [str(parameters[name]["Default"]) for name in names]
        # The ARNs of people are told in words: too long for a cell.
        assert names == ["OperatorArns"] or shipped == [each for each in defaults if each], names


def test_who_deploys_is_asked_for_every_parameter_in_a_group() -> None:
    document = template("sre-platform")
    groups = document["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]

    asked = [name for group in groups for name in group["Parameters"]]
    assert sorted(asked) == sorted(document["Parameters"])


def test_every_output_that_is_used_exists() -> None:
    texts = [*PLAN.values.values(), *(text for step in PLAN.steps for text in step.commands)]
    used = re.findall(r"\$\(output (\S+) (\w+)\)", COMMANDS + "\n".join(texts))

    assert used
    assert [(s, key) for s, key in used if key not in template(s)["Outputs"]] == []


def test_the_site_file_is_written_with_the_keys_that_it_ships_with() -> None:
    service, monitoring = re.findall(r"<<SITE\n(.*?)^SITE", COMMANDS, re.MULTILINE | re.DOTALL)
    keys = re.compile(r"^#?([A-Z_]+)=", re.MULTILINE)

    for written, place in ((service, "apps/overlays/production"), (monitoring, "monitoring")):
        shipped = (ROOT / "eks" / place / "site.env").read_text("utf-8")
        assert keys.findall(written) == keys.findall(shipped)


def test_every_file_and_folder_that_is_named_is_there() -> None:
    # A chart's name, and a group of the control plane's logs, look like paths.
    text = re.sub(r"helm upgrade --install \S+ \S+|/aws/eks/\S+", "", GUIDE)
    named = set(re.findall(r"\b(?:eks|docs|events|checkout_app)/[\w./-]*[\w]", text))

    assert named
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_the_values_of_monitoring_are_filled_in_with_what_is_the_sites_own() -> None:
    (command,) = re.findall(r"(sed .*kube-prometheus-stack\.values\.yaml)\s*\|", JOINED)
    site = {"WORKSPACE_ID": "ws-0a1b-2c", "ACCOUNT_ID": "111122223333", "PATH": "/usr/bin:/bin"}
    site["AWS_REGION"] = "eu-west-1"

    done = subprocess.run(
        ["bash", "-c", command], cwd=ROOT, env=site, text=True, capture_output=True, check=True
    )
    values = yaml.safe_load(done.stdout)

    (remote,) = values["prometheus"]["prometheusSpec"]["remoteWrite"]
    role = values["grafana"]["serviceAccount"]["annotations"]["eks.amazonaws.com/role-arn"]
    assert remote["url"] == (
        "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-0a1b-2c/api/v1/remote_write"
    )
    assert remote["sigv4"]["region"] == "eu-west-1"
    assert role == "arn:aws:iam::111122223333:role/sre-platform-grafana"
    assert "000000000000" not in done.stdout.replace("# ", "")
