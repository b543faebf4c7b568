"""Prometheus is asked whether an incident is over, not only heard.

``docs/adr/0026-prometheus-is-asked.md`` says why so. ``promql`` is what a query may look like,
``criterion`` what a runbook wants to see, ``port`` and ``reader`` how it is asked, ``judged`` what
its answer means, ``own_alert`` the state of the alert's own rule, and ``recovery`` all of it for
one call of ``verify``.
"""
