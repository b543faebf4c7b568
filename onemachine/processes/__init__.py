"""Processes of this machine that belong to a stack: starting, watching and ending them."""
