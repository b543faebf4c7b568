"""No two of them share code, so what is a secret to one must stay a secret to the others."""

from __future__ import annotations

from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parents[4] / "src"


@pytest.mark.parametrize("file", ["redaction.py", "secret_shapes.py"])
def test_evidence_knows_the_secrets_that_the_ingest_knows(file: str) -> None:
    of_ingest = (SRC / "alert_ingest" / file).read_text("utf-8")
    of_evidence = (SRC / "runbook_action" / "evidence" / file).read_text("utf-8")
    renamed = of_ingest.replace("alert_ingest.", "runbook_action.evidence.")
    assert of_evidence == renamed, (
        f"sed s/alert_ingest[.]/runbook_action.evidence./ src/alert_ingest/{file} "
        f"> src/runbook_action/evidence/{file}"
    )


@pytest.mark.parametrize("file", ["redaction.py", "secret_shapes.py"])
def test_assistants_are_given_no_secret_that_the_ingest_knows(file: str) -> None:
    of_ingest = (SRC / "alert_ingest" / file).read_text("utf-8")
    of_srectl = (SRC.parent / "srectl" / "assistants" / file).read_text("utf-8")
    assert of_srectl == of_ingest.replace("alert_ingest.", "srectl.assistants."), (
        f"sed s/alert_ingest[.]/srectl.assistants./ src/alert_ingest/{file} "
        f"> srectl/assistants/{file}"
    )
