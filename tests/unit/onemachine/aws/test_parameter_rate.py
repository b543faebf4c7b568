"""How many parameters may be read at once, and how soon again."""

from __future__ import annotations

from onemachine.aws.mends.parameter_rate import PER_SECOND, Bucket


def test_a_second_holds_forty_calls_and_what_is_left_is_not_saved_up() -> None:
    bucket = Bucket(at=0.0)
    assert [bucket.take(0.0) for _ in range(41)] == [True] * PER_SECOND + [False]
    assert [bucket.take(0.1) for _ in range(5)] == [True] * 4 + [False]
    assert sum(bucket.take(3600.0) for _ in range(100)) == PER_SECOND
