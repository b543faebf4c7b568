"""Does the deployed template, with its machines and dashboards, equal the checkout?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from srectl.operate.doctor import template_text
from srectl.operate.doctor.check import TEMPLATE, Check
from srectl.operate.doctor.code import no_checkout
from srectl.operate.doctor.deployment import Deployment
from srectl.operate.doctor.finding import Finding, fine, not_checked, warning

__all__ = ["CHECK"]

_SHOWN = 4


def look(deployment: Deployment) -> Iterator[Finding]:
    """Compare the template part by part, and each uploaded file by its digest."""
    stack = deployment.stack.name
    file = deployment.root / "template.yaml"
    if not file.is_file():
        yield no_checkout(f"template of {stack}")
        return
    try:
        here = template_text.read(file.read_text("utf-8"))
    except template_text.Unreadable as error:
        yield not_checked(str(file), str(error), "'sam validate --lint'")
        return
    there = deployment.template
    mine, theirs = template_text.parts(here), template_text.parts(there)
    different = sorted(
        name for name in mine.keys() | theirs.keys() if mine.get(name) != theirs.get(name)
    )
    files, unknown = _files(deployment.root, here, there)
    different += files
    again = f"'git log -1' says what this checkout is; {deployment.deploy_again} brings it there"
    if different:
        more = f" and {len(different) - _SHOWN} more" if len(different) > _SHOWN else ""
        yield warning(
            f"template of {stack}",
            f"is another one than this checkout's: {', '.join(different[:_SHOWN])}{more}",
            again,
        )
    if unknown:
        yield not_checked(
            f"template of {stack}",
            f"its upload does not tell the digest of {', '.join(unknown[:_SHOWN])}",
            again,
        )
    if not different and not unknown:
        yield fine(f"template of {stack}", f"is that of this checkout ({len(mine)} parts)")


def _files(root: Path, here: dict[str, Any], there: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Give the files that differ, and those of which nothing is known."""
    different, unknown = [], []
    uploaded = template_text.artifacts(there)
    for name, place in sorted(template_text.artifacts(here).items()):
        file = root / place
        if name not in uploaded or not file.is_file():
            continue  # then the part itself differs
        digest = template_text.digest_of(uploaded[name])
        if not digest:
            unknown.append(place)
        elif digest != template_text.md5(file):
            different.append(place)
    return different, unknown


CHECK = Check(
    "template",
    "the deployed template, state machines and dashboards against this checkout",
    (TEMPLATE,),
    look,
)
