"""Who waits for the end of an execution hears of that one, and of no other."""

from __future__ import annotations

from onemachine.aws.mends.execution_nested import Watched


def test_only_who_waits_for_an_execution_is_woken_by_its_end() -> None:
    watched = Watched()
    with (
        watched.ends_of("child", "parent") as both,
        watched.ends_of("child") as one,
        watched.ends_of("another") as other,
    ):
        watched.tell("nobody's")
        assert [each.is_set() for each in (both, one, other)] == [False] * 3
        watched.tell("parent")
        assert (both.is_set(), one.is_set(), other.is_set()) == (True, False, False)
        watched.tell("child")
        assert (one.is_set(), other.is_set()) == (True, False)


def test_what_nobody_waits_for_any_more_is_forgotten() -> None:
    watched = Watched()
    for number in range(3):
        with watched.ends_of("child", f"parent-{number}"):
            watched.tell("child")
        watched.tell("child")
    assert watched._waiting == {}
