"""What the local AWS' own parts are told by: names of environment variables, and an address."""

from __future__ import annotations

#: Guards the admin routes and the token webhooks.
SECRET_VARIABLE = "SRECTL_LOCAL_AWS_SECRET"  # noqa: S105 - the name of a variable
#: Comma-separated names of mends to leave out.
MENDS_OFF_VARIABLE = "SRECTL_LOCAL_AWS_MENDS_OFF"
#: Functions that run at once.
MAX_WORKERS_VARIABLE = "SRECTL_LOCAL_AWS_MAX_LAMBDA_WORKERS"
#: Comma-separated names of state machines that let the others go first where this machine is busy.
STEPS_ASIDE_VARIABLE = "SRECTL_LOCAL_AWS_STEPS_ASIDE"
#: Comma-separated names of state machines that go before all others; short ones.
GOES_FIRST_VARIABLE = "SRECTL_LOCAL_AWS_GOES_FIRST"
#: File that e-mail subscriptions deliver to.
MAIL_FILE_VARIABLE = "SRECTL_LOCAL_AWS_MAIL_FILE"
#: File with a line for each call that was refused for want of a grant.
DENIALS_FILE_VARIABLE = "SRECTL_LOCAL_AWS_DENIALS_FILE"
#: File that says which outside address stands for which one on loopback (a JSON object).
OUTBOUND_FILE_VARIABLE = "SRECTL_LOCAL_AWS_OUTBOUND_FILE"
#: File that what AWS would charge for is counted in; nothing is counted where it is not set.
METER_FILE_VARIABLE = "SRECTL_LOCAL_AWS_METER_FILE"
#: Seconds between two evaluations of the alarms.
ALARM_INTERVAL_VARIABLE = "SRECTL_LOCAL_AWS_ALARM_SECONDS"
#: How many times quicker than on AWS the alarms' periods pass.
ALARM_PACE_VARIABLE = "SRECTL_LOCAL_AWS_ALARM_PACE"
#: Concurrent executions that the account has in all; the emulator reads it, too.
CONCURRENCY_QUOTA_VARIABLE = "LAMBDA_ACCOUNT_CONCURRENCY"


def workspaces_address(region: str) -> str:
    """Give the address of Amazon Managed Prometheus in a region, as the outbound file names it."""
    return f"https://aps-workspaces.{region}.amazonaws.com"
