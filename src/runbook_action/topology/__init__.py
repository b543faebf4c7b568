"""Operation ``relate``: which incident another one comes from, by where both are in the cluster.

A node carries pods, these are of workloads, and workloads name what they depend on. Where a node
or a dependency has an incident of its own, what is above it hangs on that one as its child. The
cluster is only read (``reading``); what was read is compared in small rows of the guard table
(``relating``), by a decision that is the same in whatever order incidents come (``causes``).
docs/adr/0027-a-cause-carries-its-children.md says why.
"""

from runbook_action.topology.operation import (
    RelateRequest,
    hang_target,
    parse_relate,
    relate,
    stand_alone,
)

__all__ = ["RelateRequest", "hang_target", "parse_relate", "relate", "stand_alone"]
