"""Runbooks tried without a stack: the functions' own code, on Kubernetes objects in memory.

A test file (``cases``) gives objects and an alert; ``rehearse`` lets the alert travel as far as it
would, on a cluster that exists only here (``cluster``, with ``controllers`` that answer at once);
``compare`` holds the result against what the test expects. Nothing leaves the process.
"""
