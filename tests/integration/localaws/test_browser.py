"""A page that is open in a browser on this machine cannot make the local AWS do anything.

What the page tries is real: without the guard it creates a function that runs as the person at the
machine.
"""

from __future__ import annotations

import base64
import json
from functools import partial
from pathlib import Path

import pytest

from onemachine.aws.local_aws import LocalAws
from tests.integration.localaws.probes.support import eventually, make_role
from tests.support.browser import PageServer, open_page
from tests.support.hostile_page import FUNCTIONS, WAYS, creation, made, page_against
from tests.support.serving import serving

pytestmark = pytest.mark.localaws


def test_a_page_with_a_script_that_posts_to_the_local_aws_is_refused(
    local_aws: LocalAws, unique: str, tmp_path: Path
) -> None:
    role = make_role(local_aws, unique, "lambda.amazonaws.com")
    with serving(PageServer(page_against(local_aws, unique, role))) as server:
        outcome = open_page(server, tmp_path / "profile")

    assert set(outcome) == set(WAYS)  # it tried them all
    assert made(local_aws, unique) == set()
    assert outcome["fetch"].startswith("refused: ")
    log = local_aws.state_dir / "aws.log"

    def refusals() -> list[str]:
        return [
            line.partition("refused ")[2]
            for line in log.read_text().splitlines()
            if "refused " in line and (server.url.rstrip("/") in line or "a page's request" in line)
        ]

    # The fetch with a header of its own is asked about first, and ends there.
    for begin in (f"OPTIONS '{FUNCTIONS}'", f"POST '{FUNCTIONS}'", "POST '/'", "GET '/'"):
        seen = partial(lambda start: any(line.startswith(start) for line in refusals()), begin)
        eventually(seen, f"{begin} is refused")
    assert len([line for line in refusals() if line.startswith("POST '/2015")]) == 2

    # Control: the very call that the page made, by the stack's operator.
    wanted = creation(f"{unique}-operator", role)
    wanted["Code"] = {"ZipFile": base64.b64decode(wanted["Code"]["ZipFile"])}
    local_aws.client("lambda").create_function(**wanted)
    answer = local_aws.client("lambda").invoke(FunctionName=f"{unique}-operator")
    assert json.load(answer["Payload"]) == "I ran"
    local_aws.client("sqs").create_queue(QueueName=f"{unique}-queue")
    assert made(local_aws, unique) == {"operator", "queue"}
