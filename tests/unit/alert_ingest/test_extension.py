"""Another sender is one file, one schema and its samples: proved by adding one to a copy."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from alert_ingest.senders import EVENT_SENDERS, SENDERS
from alert_ingest.validation import explain, sources
from tests.support.waiting import PATIENCE_SECONDS
from tests.unit.alert_ingest.bodies import EVENTS, sample

PACKAGE = EVENTS.parent / "src" / "alert_ingest"

ANOTHER = """
from datetime import UTC, datetime

from alert_ingest.errors import BodyRejected
from alert_ingest.identity import incident_id
from alert_ingest.model import Alert, Reading, Target
from alert_ingest.validation import explain, validator


class Pingdom:
    name = "pingdom"
    shape = "Pingdom check"

    def __init__(self):
        self._fits = validator("pingdom")

    def recognises(self, body):
        return "check_id" in body

    def read(self, body, received_at):
        if not self._fits(body):
            raise BodyRejected("not Pingdom", explain("pingdom", body), self.name)
        alert = Alert(self.name, incident_id(self.name, str(body["check_id"])), "f", "Down",
                      "critical", "firing", received_at, received_at, None, None, "down",
                      {}, {}, {}, Target())
        return Reading(self.name, (alert,))


SENDER = Pingdom()
"""

TRY_IT = """
import json
from datetime import UTC, datetime
from alert_ingest.errors import BodyRejected
from alert_ingest.events import Context, entry_of
from alert_ingest.intake import Intake

now = datetime.now(UTC)
(alert,) = Intake().read({"check_id": 1}, now).alerts
entry, _ = entry_of(alert, Context("bus", "000000000000", "us-east-1", "r", now))
try:
    Intake().read({"check_id": "x"}, now)
except BodyRejected as error:
    problems = [problem.as_json() for problem in error.problems]
try:
    Intake().read({}, now)
except BodyRejected as error:
    unknown = error.message
print(json.dumps([entry["Source"], problems, unknown]))
"""


def run(code: str, folder: Path) -> str:
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize("compiled_by_build", [False, True])
def test_another_sender_is_one_file_and_one_schema(tmp_path: Path, compiled_by_build: bool) -> None:
    package = tmp_path / "alert_ingest"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "senders" / "pingdom.py").write_text(ANOTHER)
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {"check_id": {"type": "integer"}},
    }
    (package / "schemas" / "pingdom.json").write_text(json.dumps(schema))
    if compiled_by_build:
        run("import runpy; runpy.run_module('alert_ingest.validation.generate', "
            "run_name='__main__')", tmp_path)  # fmt: skip
        assert (package / "validation" / "generated" / "pingdom.py").is_file()
    source, problems, unknown = json.loads(run(TRY_IT, tmp_path))
    assert source == "sre.pingdom"
    assert problems == [{"pointer": "/check_id", "message": "must be integer but is string"}]
    assert unknown.startswith("The body is of none of the 4 formats known here")


def test_every_sender_has_its_schema_and_samples() -> None:
    assert [sender.name for sender in SENDERS] == ["alertmanager", "datadog", "grafana"]
    for sender in SENDERS:
        assert sender.name in sources.names()
        assert list((EVENTS / sender.name).glob("api-*.json"))


def test_every_service_of_aws_has_its_schema_and_samples() -> None:
    for name in (*(sender.name for sender in EVENT_SENDERS), "sns"):
        assert name in sources.names()
        assert list((EVENTS / name).glob("*.json"))


def test_domain_modules_import_no_aws() -> None:
    """Only `adapters` and the handler may; a fresh process shows what an import really loads."""
    modules = sorted(
        ".".join(("alert_ingest", *path.relative_to(PACKAGE).with_suffix("").parts))
        for path in PACKAGE.rglob("*.py")
        if not path.is_relative_to(PACKAGE / "adapters")
        and path.name not in {"handler.py", "startup.py", "__init__.py"}
        and "generated" not in path.parts
    )
    code = (
        f"import sys\nfor name in {modules!r}: __import__(name)\n"
        "bad = [m for m in ('botocore', 'boto3', 'aws_lambda_powertools', 'jsonschema')"
        " if m in sys.modules]\nprint(bad)"
    )
    assert len(modules) > 15
    assert run(code, PACKAGE.parent).strip() == "[]"


def test_a_rejection_always_says_something() -> None:
    """Should the two validators ever disagree, the answer still names the schema."""
    (problem,) = explain("datadog", sample("datadog/triggered"), "/here")
    assert problem.as_json() == {"pointer": "/here", "message": "does not fit the schema datadog"}
