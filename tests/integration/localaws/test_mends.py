"""Every mend is needed and works: its probe passes with it and fails without it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from srectl.local.aws.mends import MENDS
from srectl.local.aws.process import LocalAws
from tests.integration.local_aws_fixtures import StartLocalAws
from tests.integration.localaws.probes import PROBES

pytestmark = pytest.mark.localaws

# Probes mostly wait, and each needs a server of its own.
_SERVERS_AT_ONCE = 5


@pytest.fixture(scope="module")
def without_the_mend(start_local_aws: StartLocalAws) -> Iterator[dict[str, Future[None]]]:
    """Return the outcome of each probe on a server that lacks only its mend."""

    def probe(mend: str) -> None:
        with start_local_aws(mend) as aws:
            PROBES[mend](aws, f"t-{uuid.uuid4().hex[:10]}")

    with ThreadPoolExecutor(_SERVERS_AT_ONCE) as pool:
        yield {mend: pool.submit(probe, mend) for mend in MENDS}


def test_every_mend_has_a_probe() -> None:
    assert sorted(PROBES) == sorted(MENDS)


@pytest.mark.parametrize("mend", MENDS)
def test_the_mended_behaviour_is_that_of_aws(mend: str, local_aws: LocalAws, unique: str) -> None:
    PROBES[mend](local_aws, unique)


@pytest.mark.parametrize("mend", MENDS)
def test_without_the_mend_the_behaviour_is_missing(
    mend: str, without_the_mend: dict[str, Future[None]]
) -> None:
    with pytest.raises((AssertionError, ClientError)):
        without_the_mend[mend].result()
