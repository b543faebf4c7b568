"""Writes the compiled validators into the artifact; run by the build, never in a checkout.

``python -m alert_ingest.validation.generate`` writes beside the package it was imported from, which
in a build is the copy in the artifact folder.
"""

from __future__ import annotations

import sys
from pathlib import Path

import fastjsonschema

from alert_ingest.validation import sources
from alert_ingest.validation.compiled import module_name


def generate(folder: Path) -> list[Path]:
    """Write one module per validator into `folder` and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "__init__.py").write_text('"""Validators made from schemas/ by the build."""\n')
    written = []
    for name in sources.names():
        path = folder / f"{module_name(name)}.py"
        path.write_text(fastjsonschema.compile_to_code(sources.schema(name), use_default=False))
        written.append(path)
    return written


if __name__ == "__main__":
    for module in generate(Path(__file__).parent / "generated"):
        sys.stdout.write(f"generated {module.name}\n")
