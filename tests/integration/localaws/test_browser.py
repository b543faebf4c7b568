"""A page that is open in a browser on this machine cannot make the local AWS do anything.

The page tries every way that a script has to send a request to another port, with credentials that
the emulator itself takes for root's. What it tries is real: without the guard it creates a function
that runs as the person at the machine.
"""

from __future__ import annotations

import base64
import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from onemachine.aws.local_aws import LocalAws
from tests.integration.localaws.browser import open_page, serving
from tests.integration.localaws.probes.support import eventually, make_role, zipped

pytestmark = pytest.mark.localaws

FUNCTIONS = "/2015-03-31/functions"
WAYS = ("fetch", "no-cors", "beacon", "form", "image")

PAGE = """<!doctype html>
<title>An innocent page</title>
<iframe name="hole"></iframe>
<script>
const aws = __AWS__, functions = __FUNCTIONS__, query = __QUERY__, header = __HEADER__;
const outcome = {};
const post = (way, options) => fetch(
  aws + "/2015-03-31/functions" + (options.headers ? "" : "?" + query),
  {method: "POST", body: functions[way], ...options},
).then(answer => outcome[way] = answer.type + " " + answer.status)
 .catch(error => outcome[way] = "refused: " + error.message);

const form = document.createElement("form");
form.method = "POST";
form.target = "hole";
form.action = aws + "/?" + query;
for (const [name, value] of [["Action", "CreateQueue"], ["QueueName", functions.form]]) {
  const field = document.createElement("input");
  [field.name, field.value] = [name, value];
  form.append(field);
}
document.body.append(form);

const framed = new Promise(done => document.querySelector("iframe").addEventListener("load", done));
const image = new Promise(done => {
  const picture = new Image();
  picture.onload = picture.onerror = () => done(outcome.image = "sent");
  picture.src = aws + "/?Action=CreateQueue&QueueName=" + functions.image + "&" + query;
});
form.submit();
outcome.form = "sent";
const beacon = aws + "/2015-03-31/functions?" + query;
outcome.beacon = "" + navigator.sendBeacon(beacon, functions.beacon);
Promise.all([
  post("fetch", {headers: {Authorization: header, "Content-Type": "application/json"}}),
  post("no-cors", {mode: "no-cors"}),
  framed,
  image,
]).then(() => fetch("/report", {method: "POST", body: JSON.stringify(outcome)}));
</script>
"""


def creation(name: str, role: str) -> dict[str, Any]:
    """What CreateFunction is sent."""
    return {
        "FunctionName": name,
        "Runtime": "python3.11",
        "Handler": "app.handler",
        "Role": role,
        "Code": {
            "ZipFile": base64.b64encode(
                zipped("def handler(event, context):\n    return 'I ran'\n")
            ).decode()
        },
    }


def page_against(aws: LocalAws, unique: str, role: str) -> str:
    """The page, with names of this test."""
    names = {way: f"{unique}-{way}" for way in WAYS}
    bodies = {
        way: name if way in ("form", "image") else json.dumps(creation(name, role))
        for way, name in names.items()
    }
    scope = f"test/20260101/{aws.region}/lambda/aws4_request"
    query = (
        f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={scope}&X-Amz-Date=20260101T000000Z"
        "&X-Amz-SignedHeaders=host&X-Amz-Signature=00"
    )
    header = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=00"
    values = {"AWS": aws.endpoint_url, "FUNCTIONS": bodies, "QUERY": query, "HEADER": header}
    page = PAGE
    for name, value in values.items():
        page = page.replace(f"__{name}__", json.dumps(value))
    return page


def made(aws: LocalAws, unique: str) -> set[str]:
    """Which ways led to something."""
    functions = aws.client("lambda").list_functions()["Functions"]
    queues = aws.client("sqs").list_queues(QueueNamePrefix=unique).get("QueueUrls", [])
    names = [each["FunctionName"] for each in functions] + [url.split("/")[-1] for url in queues]
    return {name.removeprefix(f"{unique}-") for name in names if name.startswith(unique)}


def test_a_page_with_a_script_that_posts_to_the_local_aws_is_refused(
    local_aws: LocalAws, unique: str, tmp_path: Path
) -> None:
    role = make_role(local_aws, unique, "lambda.amazonaws.com")
    with serving(page_against(local_aws, unique, role)) as server:
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
        eventually(seen, f"{begin} is refused", 5)
    assert len([line for line in refusals() if line.startswith("POST '/2015")]) == 2

    # Control: the very call that the page made, by the stack's operator.
    wanted = creation(f"{unique}-operator", role)
    wanted["Code"] = {"ZipFile": base64.b64decode(wanted["Code"]["ZipFile"])}
    local_aws.client("lambda").create_function(**wanted)
    answer = local_aws.client("lambda").invoke(FunctionName=f"{unique}-operator")
    assert json.load(answer["Payload"]) == "I ran"
    local_aws.client("sqs").create_queue(QueueName=f"{unique}-queue")
    assert made(local_aws, unique) == {"operator", "queue"}
