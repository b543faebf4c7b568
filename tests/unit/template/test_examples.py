"""What the guides write of parameters can be typed: the template takes each of their values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.support.template import ROOT

_GIVEN = re.compile(r"(?<![\w$.])([A-Z][A-Za-z0-9]+)=(\"[^\"]*\"|'[^']*'|[^\s`\"'()\[\]]*)")
# A shell's variable, a placeholder, or what is left out.
_NO_VALUE = re.compile(r"[$<>]|\.\.\.|…")


def examples(parameters: Mapping[str, Any]) -> Iterator[tuple[Path, str, str]]:
    """Give each value that a guide writes behind the name of a parameter."""
    for guide in [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]:
        for name, value in _GIVEN.findall(guide.read_text("utf-8")):
            given = value.strip("\"'").rstrip(".,;:")
            if name in parameters and not _NO_VALUE.search(given):
                yield guide.relative_to(ROOT), name, given


def taken(parameter: Mapping[str, Any], value: str) -> bool:
    """Judge a value as CloudFormation does."""
    values = value.split(",") if parameter["Type"] == "CommaDelimitedList" else [value]
    pattern, allowed = parameter.get("AllowedPattern"), parameter.get("AllowedValues")
    return all(
        (pattern is None or re.fullmatch(pattern, each) is not None)
        and (allowed is None or each in [str(one) for one in allowed])
        for each in values
    )


def test_the_template_takes_every_value_that_a_guide_gives_a_parameter(
    template: Mapping[str, Any],
) -> None:
    parameters = template["Parameters"]
    found = list(examples(parameters))
    assert {"Sender2", "Heartbeat2", "RemediationMode", "NamePrefix"} <= {
        name for _, name, _ in found
    }
    refused = [each for each in found if not taken(parameters[each[1]], each[2])]
    assert refused == []
