"""Validators compiled to Python code.

The build writes them to `alert_ingest.validation.generated` (see `generate`), which halves their
share of a cold start. In a checkout that package does not exist and they are compiled on first use.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from functools import cache
from typing import Any

from alert_ingest.validation import sources
from alert_ingest.validation.misfit import Misfit

GENERATED = "alert_ingest.validation.generated"


@cache
def validator(name: str) -> Callable[[object], bool]:
    """Return the check for one schema: called with a decoded JSON value it says whether it fits."""
    validate, misfit = _load(name)

    def fits(value: object) -> bool:
        try:
            validate(value)
        except misfit:
            return False
        return True

    return fits


def module_name(name: str) -> str:
    """Return the generated module that holds the validator of this name."""
    return name.replace(".", "__").replace("-", "_")


def _load(name: str) -> tuple[Callable[[object], Any], type[Exception]]:
    """Return what checks a value, and what it raises."""
    if importlib.util.find_spec(GENERATED) is not None:
        return importlib.import_module(f"{GENERATED}.{module_name(name)}").validate, Misfit
    import fastjsonschema

    compiled = fastjsonschema.compile(sources.schema(name), use_default=False)
    return compiled, fastjsonschema.JsonSchemaException
