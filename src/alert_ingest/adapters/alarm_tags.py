"""Tags of CloudWatch's alarms, which their events carry only where the alarm propagates them.

Asked once and kept for some minutes: an alarm that flaps is not asked about at each change. What
cannot be read costs the tags and nothing else, so one short try is enough.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from alert_ingest.adapters.aws import own_errors
from alert_ingest.errors import ChannelRefused, ChannelUnavailable, TagsUnreadable

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

#: A severity that was tagged anew counts after this long at the latest.
KEPT_SECONDS = 300.0
KEPT_ALARMS = 500


class AlarmTags:
    """Reads tags.

    Parameters
    ----------
    make_client
        Makes a botocore client for ``cloudwatch``, when the first alarm is asked about.
    clock
        Seconds, from anywhere.
    """

    def __init__(
        self,
        make_client: Callable[[], CloudWatchClient],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make_client = make_client
        self._clock = clock
        self._known: OrderedDict[str, tuple[float, Mapping[str, str]]] = OrderedDict()

    @cached_property
    def _client(self) -> CloudWatchClient:
        return self._make_client()

    def of(self, arn: str) -> Mapping[str, str]:
        """Return the tags of an alarm of this account and region.

        Raises
        ------
        TagsUnreadable
            Not allowed, no such alarm, or no answer in time.
        """
        known = self._known.get(arn)
        if known is not None and self._clock() < known[0]:
            return known[1]
        try:
            with own_errors("ListTagsForResource"):
                answer = self._client.list_tags_for_resource(ResourceARN=arn)
        except (ChannelUnavailable, ChannelRefused) as error:
            raise TagsUnreadable(str(error)) from error
        tags = {each["Key"]: each["Value"] for each in answer["Tags"]}
        self._known[arn] = (self._clock() + KEPT_SECONDS, tags)
        self._known.move_to_end(arn)
        if len(self._known) > KEPT_ALARMS:
            self._known.popitem(last=False)
        return tags
