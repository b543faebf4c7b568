"""Writes a post-mortem as Markdown. What a record holds is text, never markup."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from srectl.postmortem.sentence import Sentence

__all__ = ["as_json", "as_markdown", "escaped"]

#: What is markup anywhere (CommonMark, tables and formulas of GitHub); an underscore inside of a
#: word is none. An address is broken, so that nothing makes a link of it.
_MARKUP = re.compile(
    r"([\\`*\[\]<>|~$&@]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|:(?=//)|(?<=[wW]{3})\.)"
)
#: What is markup at the beginning of a line only.
_AT_FIRST = re.compile(r"^([-+#=]|\d+(?=[.)]))")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
_MOST = 600  # characters of one sentence


def escaped(text: object) -> str:
    """Make any text one line of Markdown that shows what it is and does nothing.

    By CommonMark 0.31.2, section 2.4, a backslash before any ASCII punctuation is that character.
    """
    line = _CONTROL.sub(" ", str(text)).strip()
    line = line if len(line) <= _MOST else f"{line[: _MOST - 1]}…"
    return _AT_FIRST.sub(_defused, _MARKUP.sub(r"\\\1", line))


def _defused(first: re.Match[str]) -> str:
    """Give the beginning of a line so that it is text; a digit has no escape, its dot has."""
    return f"{first[0]}\u200b" if first[0].isdigit() else f"\\{first[0]}"


def as_markdown(
    record: Mapping[str, Any], chapters: Mapping[str, Sequence[Sentence]], written: str
) -> str:
    """Give the whole as Markdown.

    Parameters
    ----------
    record
        The incident.
    chapters
        As :func:`srectl.postmortem.chapters.chapters` gives them.
    written
        When it was written down.
    """
    name, incident = escaped(record.get("alert_name")), record["incident_id"]
    lines = [f"# Post-mortem: {name}, {escaped(record['timestamp'])}", ""]
    lines.append(
        f"Incident `{incident}`, written down {escaped(written)}. Each line names in brackets"
    )
    lines += ["the record that it comes from; what no record says is among the open questions.", ""]
    for title, sentences in chapters.items():
        lines += [f"## {title}", "", *_chapter(title, sentences), ""]
    return "\n".join(lines).rstrip() + "\n"


def _chapter(title: str, sentences: Sequence[Sentence]) -> Iterator[str]:
    if not sentences:
        yield "Nothing is on record."
    elif title == "Timeline":
        yield "| time (UTC) | what | source |"
        yield "|---|---|---|"
        for each in sentences:
            at = f"{each.at:%Y-%m-%d %H:%M:%S}" if each.at else ""
            yield f"| {at} | {escaped(each.text)} | {escaped(each.source)} |"
    else:
        for each in sentences:
            yield f"- {escaped(each.text)} *[{escaped(each.source)}]*"


def as_json(
    record: Mapping[str, Any], chapters: Mapping[str, Sequence[Sentence]], written: str
) -> dict[str, Any]:
    """Give the same for other programs."""
    return {
        "incident_id": record["incident_id"],
        "alert_name": record.get("alert_name"),
        "timestamp": record["timestamp"],
        "written_at": written,
        "chapters": [
            {"title": title, "sentences": [each.plain() for each in sentences]}
            for title, sentences in chapters.items()
        ],
    }
