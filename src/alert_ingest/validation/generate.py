"""Writes the compiled validators into the artifact; run by the build, never in a checkout.

``python -m alert_ingest.validation.generate`` writes beside the package it was imported from, which
in a build is the copy in the artifact folder.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import fastjsonschema

from alert_ingest.validation import sources
from alert_ingest.validation.compiled import module_name

_LIBRARY = re.compile(r"^from fastjsonschema import .*$", re.M)
_OWN_EXCEPTIONS = """from alert_ingest.validation.misfit import Misfit

JsonSchemaValueException = JsonSchemaValuesException = Misfit"""


def generate(folder: Path) -> list[Path]:
    """Write one module per validator into `folder` and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "__init__.py").write_text('"""Validators made from schemas/ by the build."""\n')
    written = []
    for name in sources.names():
        path = folder / f"{module_name(name)}.py"
        code = fastjsonschema.compile_to_code(
            sources.schema(name), use_default=False, detailed_exceptions=False
        )
        # The library itself (7 ms of a cold start) is in the code only by its exceptions.
        path.write_text(_LIBRARY.sub(_OWN_EXCEPTIONS, code))
        written.append(path)
    return written


if __name__ == "__main__":
    for module in generate(Path(__file__).parent / "generated"):
        sys.stdout.write(f"generated {module.name}\n")
