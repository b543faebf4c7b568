"""Runs a catalogue over incidents of the past: what it would have done, against what really was.

Nothing is touched. Which runbook an alert selects, and whether its labels let it act, is decided by
``srectl.operate.plans`` as for ``srectl runbooks plan``; what no record says is not guessed.
"""
