"""The doctor: looks at a deployment, local or on AWS, and says what is wrong and what to type.

One check lives in one module, and ``CHECKS`` names them all. A check reads only; it gives findings
and never an error, and what it cannot see is a finding, too.
"""

from srectl.operate.doctor import (
    admission,
    alarms,
    clock,
    cluster,
    code,
    concurrency,
    dead_letters,
    heartbeat,
    holding_back,
    intake,
    links,
    monitoring,
    published,
    rights,
    routes,
    slack,
    stack,
    subscriptions,
    template,
)
from srectl.operate.doctor.check import Check, Grant, examine
from srectl.operate.doctor.deployment import Deployment
from srectl.operate.doctor.finding import Finding, Severity, exit_code

__all__ = ["CHECKS", "Check", "Deployment", "Finding", "Grant", "Severity", "examine", "exit_code"]

#: In the order in which an alert meets what they look at.
CHECKS = (
    clock.CHECK,
    stack.CHECK,
    intake.CHECK,
    concurrency.CHECK,
    routes.CHECK,
    subscriptions.CHECK,
    slack.CHECK,
    cluster.CHECK,
    rights.CHECK,
    admission.CHECK,
    alarms.CHECK,
    dead_letters.CHECK,
    heartbeat.CHECK,
    monitoring.CHECK,
    links.CHECK,
    holding_back.CHECK,
    code.CHECK,
    template.CHECK,
    published.CHECK,
)
