"""What is slow to import is imported by whoever needs it, and then answers."""

from __future__ import annotations

import subprocess
import sys

from onemachine.project import PROJECT_ROOT

PROGRAM = """
import sys
import srectl.runbooks, jsonschema
assert "lark" not in sys.modules, "a grammar is compiled for nothing"
checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
print([checker.conforms(text, "iri") for text in ("https://example.com/\\u00fc", "no iri")])
assert "lark" in sys.modules
"""


def test_no_grammar_is_compiled_before_an_iri_is_checked() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=PROJECT_ROOT,
        env={"PYTHONPATH": str(PROJECT_ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == "[True, False]"
