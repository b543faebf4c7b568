"""The newest lines of a container's runs, bounded."""

from __future__ import annotations

from onemachine.node.recent_lines import RecentLines


def tail(found: RecentLines, *, previous: bool = False, lines: int | None = None) -> bytes | None:
    return found.tail(previous=previous, lines=lines, most=None, timestamps=False)


def test_only_the_last_two_runs_are_known() -> None:
    found = RecentLines()
    assert tail(found) is None
    for run in (b"one", b"two", b"three"):
        found.begin()
        found.write(run + b"\n")
    assert tail(found) == b"three\n"
    assert tail(found, previous=True) == b"two\n"


def test_a_line_in_pieces_is_one_line() -> None:
    found = RecentLines()
    for piece in (b"be", b"gun\nand", b" ended\n", b"open"):
        found.write(piece)
    assert tail(found) == b"begun\nand ended\nopen\n"
    assert tail(found, lines=1) == b"open\n"
    assert tail(found, lines=0) == b""


def test_what_is_kept_is_bounded() -> None:
    found = RecentLines()
    for number in range(20_000):
        found.write(b"line %d\n" % number)
    found.write(b"x" * 1_000_000)
    kept = tail(found)
    assert kept is not None
    assert len(kept) < 3 * 65_536
    assert b"line 19999\n" in kept
    assert b"line 1\n" not in kept
