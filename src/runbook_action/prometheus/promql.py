"""What a query of a runbook looks like, as far as that can be told without Prometheus.

``srectl`` has this very file, by a link, so that ``runbooks validate`` refuses what the function
refuses. It imports nothing of the platform. A query that passes may still be none: that Prometheus
itself says, and then nothing is closed by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

#: Characters of a query: it travels in an address.
MOST_CHARACTERS: Final = 1000
#: What stands for a part of the target. Only names that Kubernetes has given, never alert text.
PLACEHOLDERS: Final = ("cluster", "kind", "name", "namespace")
_PLACEHOLDER = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
#: What a character of a name could mean in a regular expression of Prometheus (RE2).
_MEANS_MORE = re.compile(r"[\\.+*?()|\[\]{}^$]")
_PATTERN_OF_LABEL_REPLACE = 4
_BRACKETS = {")": "(", "]": "[", "}": "{"}
_COMPARES = re.compile(r"(==|!=|<=|>=|<|>)\s*(bool\b)?")
#: A word, ``below`` or the like, and a number.
IS: Final = re.compile(r"(below|above|at least|at most) (-?[0-9]{1,15}(?:\.[0-9]{1,10})?)")
FOR: Final = re.compile(r"([0-9]{1,4})(s|m)")
DEFAULT_SECONDS: Final = 60
MOST_SECONDS: Final = 1800


def seconds_of(text: str) -> int | None:
    """Give the seconds of a time such as ``60s`` or ``5m``; None if it is none, or too long.

    Examples
    --------
    >>> seconds_of("5m")
    300
    """
    found = FOR.fullmatch(text)
    seconds = 0 if found is None else int(found[1]) * (60 if found[2] == "m" else 1)
    return seconds if 1 <= seconds <= MOST_SECONDS else None


def faults_of(query: str) -> list[str]:
    """Find what makes a text no query that could tell a recovery.

    Returns
    -------
    list of str
        Empty if nothing does.

    Examples
    --------
    >>> faults_of('sum(rate(errors_total{namespace="$namespace"}[1m]))')
    []
    >>> faults_of("sum(errors_total")
    ['( is never closed']
    """
    if not query.strip():
        return ["it is empty"]
    if len(query) > MOST_CHARACTERS:
        return [f"it is longer than {MOST_CHARACTERS} characters: make a recording rule of it"]
    try:
        parts = list(_parts(query))
    except ValueError as error:
        return [str(error)]
    found = [*_odd_placeholders(parts)]
    plain = "".join(text if depth == 0 and not quoted else " " for text, depth, quoted in parts)
    found += [
        f"it compares by {match[1]}: such a query answers nothing where all is well. Write what is "
        f"compared, and the comparison into `is`"
        for match in _COMPARES.finditer(plain)
        if not match[2]
    ][:1]
    return found


def filled(query: str, values: Mapping[str, str]) -> str:
    """Put the names of a target into a query, each as a text between its quotes.

    Where a pattern is meant (``=~``, ``!~``, that of ``label_replace``), a name stands for itself
    all the same: a Kubernetes name may have a dot, which as a pattern is also that of others.

    Parameters
    ----------
    query
        One without faults.
    values
        For each of ``PLACEHOLDERS``.

    Examples
    --------
    >>> filled('up{namespace="$namespace"}', {"namespace": "apps"})
    'up{namespace="apps"}'
    >>> print(filled('up{pod=~"$name-.+"}', {"name": "a.b"}))
    up{pod=~"a\\\\.b-.+"}
    """
    parts = list(_parts(query))
    return "".join(
        _with_names(text, values, as_pattern=_is_pattern(parts, at)) if quoted else text
        for at, (text, _, quoted) in enumerate(parts)
    )


def _with_names(text: str, values: Mapping[str, str], *, as_pattern: bool) -> str:
    def name(match: re.Match[str]) -> str:
        value = values.get(match[1], "")
        return escaped(_MEANS_MORE.sub(r"\\\g<0>", value) if as_pattern else value)

    return _PLACEHOLDER.sub(name, text)


def _is_pattern(parts: list[tuple[str, int, bool]], at: int) -> bool:
    """Say whether a quoted part is a regular expression: by what it is compared with, or is of."""
    depth = parts[at][1]
    before = [part for part in parts[:at] if not part[0].isspace()]
    if "".join(text for text, _, _ in before[-2:]) in ("=~", "!~"):
        return True
    # An opening bracket has the depth outside of it.
    opening = [(sign, depth - 1, False) for sign in _BRACKETS.values()]
    opened = next((i for i in range(at - 1, -1, -1) if parts[i] in opening), 0)
    commas = sum(part == (",", depth, False) for part in parts[opened:at])
    if parts[opened][0] != "(" or commas != _PATTERN_OF_LABEL_REPLACE:
        return False
    called = "".join(text for text, _, _ in parts[:opened]).rstrip()
    return re.search(r"\blabel_replace$", called) is not None


def escaped(text: str) -> str:
    """Write a text so that it stands for itself between double quotes.

    Examples
    --------
    >>> escaped('a"b')
    'a\\\\"b'
    """
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _odd_placeholders(parts: list[tuple[str, int, bool]]) -> Iterator[str]:
    known = ", ".join(f"${name}" for name in PLACEHOLDERS)
    if any(text == "$" and not quoted for text, _, quoted in parts):
        yield 'what begins with $ stands for a text: put it between double quotes, ="$name"'
    for text, _, quoted in parts:
        for match in _PLACEHOLDER.finditer(text) if quoted else ():
            if text[0] != '"':
                yield f"{match[0]} stands only between double quotes"
            elif match[1] not in PLACEHOLDERS:
                yield f"{match[0]} is not known: there are {known}"


def _parts(query: str) -> Iterator[tuple[str, int, bool]]:
    """Cut a query into texts between quotes and single characters, each with its depth.

    Raises
    ------
    ValueError
        A quote or a bracket has no other half, or there is a comment.
    """
    opened: list[str] = []
    at = 0
    while at < len(query):
        sign = query[at]
        if sign in "\"'`":
            end = _end_of_text(query, at)
            yield query[at:end], len(opened), True
            at = end
            continue
        if sign == "#":
            raise ValueError("it has a comment (#): write that into the runbook instead")
        if sign in _BRACKETS and (not opened or opened.pop() != _BRACKETS[sign]):
            raise ValueError(f"{sign} has nothing to close")
        yield sign, len(opened), False
        if sign in _BRACKETS.values():
            opened.append(sign)
        at += 1
    if opened:
        raise ValueError(f"{opened[-1]} is never closed")


def _end_of_text(query: str, start: int) -> int:
    at = start + 1
    while at < len(query):
        if query[at] == "\\" and query[start] != "`":
            at += 2
        elif query[at] == query[start]:
            return at + 1
        else:
            at += 1
    raise ValueError(f"{query[start]} is never closed")
