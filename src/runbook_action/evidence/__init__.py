"""Operation ``collect_evidence``: what changed lately, how it fails, and what was said last.

It only reads, beside every runbook and for alerts that have none. Each source is asked by itself
and within its own time; one that fails is named in the answer and loses only itself.
"""

from runbook_action.evidence.operation import collect
from runbook_action.evidence.ports import Tools
from runbook_action.evidence.request import CollectRequest, parse_collect

__all__ = ["CollectRequest", "Tools", "collect", "parse_collect"]
