"""Every mend is needed and works: its probe passes with all mends and fails on the emulator alone.

``SRECTL_EACH_MEND_ALONE=1`` takes a server of its own for each probe that must fail, with only that
one mend off: it also finds a mend that another one has made superfluous, and takes minutes.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from onemachine.aws.local_aws import LocalAws
from onemachine.aws.mends import MENDS
from tests.integration.local_aws_fixtures import StartLocalAws
from tests.integration.localaws.probes import PROBES
from tests.integration.localaws.probes.support import ONCE, PATIENCE

pytestmark = pytest.mark.localaws

# Probes mostly wait for an effect, or for its absence.
_PROBES_AT_ONCE = 6

Outcomes = dict[str, Future[None]]


def _start(pool: ThreadPoolExecutor, probe: Callable[[str], None]) -> Outcomes:
    return {mend: pool.submit(probe, mend) for mend in MENDS}


def _probe(aws: LocalAws, mend: str) -> None:
    PROBES[mend](aws, f"t-{uuid.uuid4().hex[:10]}")


@pytest.fixture(scope="module")
def with_all_mends(local_aws: LocalAws) -> Iterator[Outcomes]:
    """Return the outcome of each probe on the session's local AWS."""
    with ThreadPoolExecutor(_PROBES_AT_ONCE) as pool:
        yield _start(pool, lambda mend: _probe(local_aws, mend))


@pytest.fixture(scope="module")
def without_the_mend(start_local_aws: StartLocalAws) -> Iterator[Outcomes]:
    """Return the outcome of each probe on a server that lacks its mend."""

    def impatient() -> None:
        PATIENCE.set(ONCE)

    def alone(mend: str) -> None:
        with start_local_aws(mend) as aws:
            _probe(aws, mend)

    if os.environ.get("SRECTL_EACH_MEND_ALONE") == "1":
        with ThreadPoolExecutor(_PROBES_AT_ONCE, initializer=impatient) as pool:
            yield _start(pool, alone)
        return
    with (
        start_local_aws(*MENDS) as stock,
        ThreadPoolExecutor(_PROBES_AT_ONCE, initializer=impatient) as pool,
    ):
        yield _start(pool, lambda mend: _probe(stock, mend))


def test_every_mend_has_a_probe() -> None:
    assert sorted(PROBES) == sorted(MENDS)


@pytest.mark.parametrize("mend", MENDS)
def test_the_mended_behaviour_is_that_of_aws(mend: str, with_all_mends: Outcomes) -> None:
    with_all_mends[mend].result()


@pytest.mark.parametrize("mend", MENDS)
def test_without_the_mend_the_behaviour_is_missing(mend: str, without_the_mend: Outcomes) -> None:
    with pytest.raises((AssertionError, ClientError)):
        without_the_mend[mend].result()
