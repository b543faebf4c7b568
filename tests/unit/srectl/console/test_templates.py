"""No template takes the escaping of text away, or has a script or a style in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.template import ROOT

TEMPLATES = sorted((ROOT / "srectl/console/templates").glob("*.html"))


def test_there_are_templates() -> None:
    assert TEMPLATES


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.stem)
def test_a_template_is_all_escaped(file: Path) -> None:
    text = file.read_text("utf-8")
    assert not re.search(r"\|\s*safe\b|autoescape|Markup", text)
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", text)
    assert all(" src=" in each for each in re.findall(r"<script[^>]*>", text))
    # An attribute without quotes could be left by a blank.
    assert not re.search(r"=\{\{", text)


def test_no_code_of_the_console_makes_markup() -> None:
    for file in (ROOT / "srectl/console").glob("*.py"):
        assert "Markup" not in file.read_text("utf-8"), file
