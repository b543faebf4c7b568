"""The runbook catalogue: read ``runbooks/*.yaml``, check it, publish it to ``sre-runbooks``.

``schema`` says what a runbook may look like, ``checks`` what the schema cannot say: whether it
could ever do what it is written for.
"""

from srectl.runbooks.answers import Entry, EvidenceOnly, entries
from srectl.runbooks.catalogue import (
    Catalogue,
    CatalogueInvalid,
    Runbook,
    actions_of,
    load,
    load_all,
    publish,
)
from srectl.runbooks.checks import Deployment, problems
from srectl.runbooks.limits import names_out, namespaces_out
from srectl.runbooks.schema import SCHEMA_FILE, faults

__all__ = [
    "SCHEMA_FILE",
    "Catalogue",
    "CatalogueInvalid",
    "Deployment",
    "Entry",
    "EvidenceOnly",
    "Runbook",
    "actions_of",
    "entries",
    "faults",
    "load",
    "load_all",
    "names_out",
    "namespaces_out",
    "problems",
    "publish",
]
