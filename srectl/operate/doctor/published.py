"""Does the published catalogue equal the checkout's, and may it act where it is meant to?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from srectl.operate import catalogue
from srectl.operate.doctor.check import Check, Grant
from srectl.operate.doctor.code import no_checkout
from srectl.operate.doctor.deployment import Deployment
from srectl.operate.doctor.finding import Finding, failed, fine, not_checked, note, warning
from srectl.runbooks import CatalogueInvalid, load_all, names_out

__all__ = ["CHECK"]


def look(deployment: Deployment) -> Iterator[Finding]:
    """Compare the runbooks by name, and their namespaces with those of the stack."""
    account = deployment.account
    there = catalogue.published(account.dynamodb, account.runbooks_table)
    yield from _compared(deployment, there)
    yield from _out_of_bounds(deployment, there)


def _out_of_bounds(
    deployment: Deployment, there: Mapping[str, catalogue.Published]
) -> Iterator[Finding]:
    """Name each runbook that would act or observe where the stack allows nothing."""
    allowed = deployment.namespaces
    out = {
        name: list(dict.fromkeys(each for _, each in names_out(entry.definition, allowed)))
        for name, entry in sorted(there.items())
        if not entry.answered_by
        and "evidence_only" not in entry.definition
        and entry.definition.get("enabled", True)
    }
    # What a pattern means, only they know who know the cluster.
    more = {
        each if each.replace("-", "").isalnum() else "…" for names in out.values() for each in names
    }
    then = deployment.deploy_with("AllowedNamespaces", ",".join([*allowed, *sorted(more)]))
    for name, names in out.items():
        if names:
            yield failed(
                f"runbook {name}",
                f"never acts in {', '.join(names)}, which the stack does not allow "
                f"(AllowedNamespaces={','.join(allowed)}): each such alert goes to a human",
                f"{then}, and 'srectl doctor --only rights' again; or mend the runbook's "
                "namespaces, or switch it off (enabled: false), and 'srectl runbooks publish'",
            )


def _compared(
    deployment: Deployment, there: Mapping[str, catalogue.Published]
) -> Iterator[Finding]:
    account = deployment.account
    table = account.runbooks_table
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
    "the published runbooks against this checkout, their namespaces against those of the stack",
    (
        Grant(
            ("dynamodb:Scan",),
            "arn:{partition}:dynamodb:{region}:{account}:table/{prefix}sre-runbooks",
        ),
    ),
    look,
)
