"""Does the published catalogue equal the checkout's?"""

from __future__ import annotations

from collections.abc import Iterator

from srectl.operate import catalogue
from srectl.operate.doctor.check import Check, Grant
from srectl.operate.doctor.code import no_checkout
from srectl.operate.doctor.deployment import Deployment
from srectl.operate.doctor.finding import Finding, failed, fine, not_checked, note, warning
from srectl.runbooks import CatalogueInvalid, load_all

__all__ = ["CHECK"]


def look(deployment: Deployment) -> Iterator[Finding]:
    """Compare the runbooks by name."""
    account = deployment.account
    table = account.runbooks_table
    there = catalogue.published(account.dynamodb, table)
    option = f" --prefix {account.prefix}" if account.prefix else ""
    publish = f"srectl runbooks list{option}; srectl runbooks publish{option}"
    if not there:
        yield failed(table, "no runbook is published: every alert goes to a human", publish)
        return
    folder = deployment.root / "runbooks"
    if not folder.is_dir():
        yield no_checkout(table)
        return
    try:
        here = load_all(folder)
        rows = catalogue.compare(here.runbooks, there, here.evidence_only)
    except CatalogueInvalid as error:
        first, *more = error.problems
        yield not_checked(
            table,
            f"the catalogue of the checkout is not valid: {first}"
            + (f" and {len(more)} more" if more else ""),
            "srectl runbooks validate",
        )
        return
    states = {
        state: [row.name for row in rows if row.state == state]
        for state in ("changed", "new", "only published")
    }
    for state, words in (
        ("changed", "are published otherwise than in this checkout"),
        ("new", "of this checkout are not published"),
    ):
        if states[state]:
            yield warning(table, f"runbooks {', '.join(states[state])} {words}", publish)
    if states["only published"]:
        yield note(
            table,
            f"runbooks {', '.join(states['only published'])} are published and not in this "
            "checkout",
            f"srectl runbooks list{option}",
        )
    if not states["changed"] and not states["new"]:
        published = [row for row in rows if row.action != "evidence only"]
        yield fine(
            table, f"{len(published)} runbooks are published, those of this checkout among them"
        )


CHECK = Check(
    "catalogue",
    "the published runbooks against this checkout",
    (
        Grant(
            ("dynamodb:Scan",),
            "arn:{partition}:dynamodb:{region}:{account}:table/{prefix}sre-runbooks",
        ),
    ),
    look,
)
