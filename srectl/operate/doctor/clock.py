"""Does this machine know the time? AWS refuses a signature that is minutes off."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

from srectl.operate.doctor.check import Check
from srectl.operate.doctor.deployment import Deployment
from srectl.operate.doctor.finding import Finding, failed, fine, not_checked, warning
from srectl.operate.refusals import calling

__all__ = ["CHECK"]

_NOTICED = datetime.timedelta(seconds=20)
# AWS takes signatures of the last five minutes.
_REFUSED = datetime.timedelta(minutes=4)
_SET = "'timedatectl set-ntp true', then 'timedatectl' says whether it is synchronized"


def look(deployment: Deployment) -> Iterator[Finding]:
    """Compare this machine's clock with the Date that AWS answers with."""
    where = "this machine"
    before = deployment.now()
    with calling("the time of AWS could not be asked for"):
        answer = deployment.account.sts.get_caller_identity()
    after = deployment.now()
    date = answer["ResponseMetadata"].get("HTTPHeaders", {}).get("date")
    if date is None:
        yield not_checked(where, "the answer of AWS names no Date", "'date -u' against any clock")
        return
    # A Date has whole seconds: it was meant within the second that follows it.
    theirs = parsedate_to_datetime(date)
    early, late = theirs - after, before - theirs - datetime.timedelta(seconds=1)
    off = max(early, late, datetime.timedelta())
    way = "behind" if early > late else "before"
    said = f"its clock is {off.total_seconds():.0f} s {way} that of AWS"
    if off >= _REFUSED:
        yield failed(where, f"{said}: AWS refuses signatures that are 5 minutes off", _SET)
    elif off >= _NOTICED:
        yield warning(where, f"{said}: ages and approvals are judged wrongly", _SET)
    else:
        yield fine(where, "its clock and that of AWS agree")


# GetCallerIdentity needs no right.
CHECK = Check("clock", "this machine's time against that of AWS", (), look)
