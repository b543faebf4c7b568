"""One module for each outside service; every fault leaves as an error of ``runbook_action``."""
