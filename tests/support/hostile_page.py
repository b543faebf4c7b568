"""A page that tries every way that a script has to make the local AWS do something.

It sends credentials that the emulator itself takes for root's. What it tries is real: where nothing
refuses it, a function is created that runs as the person at the machine.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from onemachine.aws.local_aws import LocalAws
from tests.integration.localaws.probes.support import zipped

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
