"""Files whose aliases stand for more than anybody could write: refused before anything walks it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from srectl.runbooks.reading import MOST_BYTES as MOST
from srectl.runbooks.reading import NotReadable, documents_of

pytestmark = pytest.mark.timeout(20)

_TEN = range(10)


def _doubling(levels: int, line: Callable[[str], str], first: str = "[x]") -> str:
    """Lines each of which names the one before ten times."""
    lines = [f"a0: &a0 {first}"]
    lines += [f"a{n}: &a{n} {line(f'*a{n - 1}')}" for n in range(1, levels + 1)]
    return "\n".join(lines)


def _list(alias: str) -> str:
    return f"[{', '.join(alias for _ in _TEN)}]"


@pytest.mark.parametrize(
    "text",
    [
        _doubling(9, _list),
        _doubling(9, lambda alias: f"{{{', '.join(f'k{n}: {alias}' for n in _TEN)}}}"),
        _doubling(9, lambda alias: f"{{<<: {_list(alias)}}}", first="{x: 1}"),
        f"{_doubling(9, _list)}\n? *a9\n: 1",
        f"a: &a {'x' * (MOST // 2)}\nb: [*a, *a, *a]",
        "\n---\n".join([_doubling(4, _list)] * 40),
    ],
    ids=["lists", "mappings", "merged", "a key", "a long text", "several documents"],
)
def test_aliases_that_are_too_much_written_out_are_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "bomb.yaml"
    file.write_text(text)
    with pytest.raises(NotReadable, match=r"aliases \(\*name\), written out, .* than 1024 KiB"):
        documents_of(file)


def test_what_somebody_could_write_out_is_read(tmp_path: Path) -> None:
    file = tmp_path / "few.yaml"
    file.write_text(_doubling(3, _list))
    (found,) = documents_of(file)
    assert found["a1"] == [["x"]] * 10
    assert found["a3"] == [found["a2"]] * 10
