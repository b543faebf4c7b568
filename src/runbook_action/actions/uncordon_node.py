"""``uncordon_node``: a ready node takes pods again."""

from runbook_action.actions.cordon_node import CordonNode

ACTION = CordonNode("uncordon_node", cordoned=False)
