"""A deployment in good health for every test of the doctor."""

from __future__ import annotations

from pathlib import Path

import pytest

from srectl.operate.doctor import intake, slack
from tests.unit.srectl.operate.doctor.patients import Patient


@pytest.fixture
def patient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Patient:
    made = Patient(tmp_path)
    monkeypatch.setattr(intake, "ask", made.ask)
    monkeypatch.setattr(slack, "ask", made.ask)
    return made
