"""The first alert of the README can be posted as it stands there."""

from __future__ import annotations

import datetime
import json
import re
import subprocess

from onemachine.stack.exports import NAMES
from srectl.operate.samples import alerts_in
from tests.support.template import ROOT

_BLOCK = re.compile(r"```sh\n((?:eval|sed) .*?)```", re.DOTALL)


def blocks() -> list[str]:
    """The README's shell that posts alerts: a beginning, and its end."""
    found = _BLOCK.findall((ROOT / "README.md").read_text("utf-8"))
    return [each for each in found if "| post" in each.replace(" |\n", " | ")]


def made(*shell: str) -> str:
    """Give the body that a block would post, after what was typed before it."""
    lines = "\n".join(shell).replace("\\\n", " ").splitlines()
    typed = [each.removesuffix("| post") for each in lines if each.startswith(("BEGAN=", "sed "))]
    wanted = [typed[0], typed[-1]]
    return subprocess.run(
        ["/bin/sh", "-c", "\n".join(wanted)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=10,
    ).stdout


def test_the_first_alert_of_the_readme_begins_now() -> None:
    beginning, _ending = blocks()
    now = datetime.datetime.now(datetime.UTC)
    [alert] = alerts_in(made(beginning), now)
    began = datetime.datetime.fromisoformat(alert["timestamp"])
    assert abs((now - began).total_seconds()) < 30
    assert alert["alert_name"] == "CheckoutHighErrorRate"


def test_the_end_that_the_readme_posts_is_of_that_alert_and_now() -> None:
    beginning, ending = blocks()
    [begun] = json.loads(made(beginning))["alerts"]
    [ended] = json.loads(made(beginning, ending))["alerts"]
    assert (ended["status"], ended["fingerprint"]) == ("resolved", begun["fingerprint"])
    now = datetime.datetime.now(datetime.UTC)
    for moment in (ended["startsAt"], ended["endsAt"]):
        assert abs((now - datetime.datetime.fromisoformat(moment)).total_seconds()) < 30


def test_the_guides_name_the_variables_that_env_exports() -> None:
    guides = "".join(blocks()) + (ROOT / "docs/assistants.md").read_text("utf-8")
    named = set(re.findall(r"\$((?:WEBHOOK|FINDINGS|INVESTIGATOR)_\w+)", guides))
    assert named >= {"WEBHOOK_URL", "WEBHOOK_API_KEY", "FINDINGS_URL", "INVESTIGATOR_API_KEY"}
    assert named <= set(NAMES)
