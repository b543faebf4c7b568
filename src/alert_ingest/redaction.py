"""Keeps secrets that people leave in labels, annotations and URLs out of logs and events.

Alert text ends in logs, mails and chat channels, so what looks like a secret is replaced before it
goes anywhere. A key decides by its words (`api_key`, `X-Auth-Token`, `clientSecret`), unless its
last one says that it only tells of a secret (`secret_name`, `token_type`); text is searched for
credentials in URLs, authorization schemes, `key=value` or `"key": "value"` pairs, and for what is
known by its own shape (see `secret_shapes`). Before anything is looked for, a text loses what
nobody sees (see `unseen`): it would stand in a secret as well as in any word.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

from .secret_shapes import holds_telltale, mask_shapes
from .unseen import as_seen

MASK = "[redacted]"

_SECRET_WORDS = frozenset(
    {
        "password",
        "passwd",
        "passphrase",
        "pwd",
        "secret",
        "secrets",
        "token",
        "tokens",
        "authorization",
        "apikey",
        "accesskey",
        "privatekey",
        "credential",
        "credentials",
        "cookie",
        "signature",
    }
)
# In front of the word key.
_KEYS = (
    *("api", "access", "private", "app", "encryption", "signing", "account", "master", "ssh"),
    *("genie",),
)
_SECRET_PAIRS = frozenset((word, "key") for word in _KEYS)
# A key that ends so tells something about a secret, and not the secret: the name of the Kubernetes
# Secret that a pod cannot mount is what whoever is called must know.
_ABOUT_WORDS = (
    *("name", "names", "namespace", "type", "kind", "count", "total", "ttl", "expiry", "version"),
    *("provider", "store", "mount"),
)
_WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z0-9]+(?![a-z])")

# Answers for short keys and texts are remembered: the same labels come with every alert of a group.
_REMEMBERED = 2048
_email_addresses = False
_SHORT = 256

# Each match of a pattern in `_patterns`, and each secret key, contains one of these or a pair.
_TELLTALES = (
    "pass",
    "pwd",
    "secret",
    "token",
    "authorization",
    "credential",
    "cookie",
    "signature",
    "bearer",
    "basic",
)
# In JSON text a character between the words of a pair may be written as an escape.
_BETWEEN = r"(?:\\[bfnrt]|\\u00(?:26|3c|3e)|[^a-z0-9])*\Z"
_PAIR_BEFORE_KEY = rf"(?:{'|'.join(_KEYS)}){_BETWEEN}"
# The window may begin inside an escape.
_NOTHING_BEFORE_KEY = rf"\A(?:[bfnrt]|u?0{{0,2}}(?:26|3c|3e|6|c|e))?{_BETWEEN}"
# Colours of a terminal, which loggers put between a key and its value; grep erases lines, too.
_COLOURS = re.compile(r"\x1b\[[0-9;:]{0,32}[mK]")
# What Go's encoder escapes in every URL; any other escaped character may be part of a word.
_PUNCTUATION = frozenset({"0026", "003c", "003e"})
_PAIR_WINDOW = 64
# Lines that would end a record, a slash that may stand in an address, and controls that may stand
# inside of a secret: delete is the only one that JSON takes as it is.
_NOT_AS_IT_CAME = ("\n", "\r", "\x7f", "\\/", "\\b", "\\f")


@dataclass(frozen=True, slots=True)
class _Patterns:
    url_credentials: re.Pattern[str]
    scheme: re.Pattern[str]
    pair: re.Pattern[str]
    option: re.Pattern[str]
    jwt: re.Pattern[str]
    aws_key_id: re.Pattern[str]


@cache
def _patterns(joined: bool) -> _Patterns:
    """Compile what searches text for secrets; most containers never see a text that needs it.

    Parameters
    ----------
    joined
        Whether something was taken out of the text. Then a secret may touch what stood before or
        behind it, so it is known amid a word, too.
    """
    edge = "" if joined else r"\b"
    # Every quantifier is bounded, or possessive behind a lookbehind, so that a body of 1 MB made to
    # trip over them is still searched in about a second.
    key, url = r"[A-Za-z0-9_.\-]", r"[A-Za-z0-9_\-]"
    suspect = (
        r"(?:password|passwd|passphrase|pwd|secret|token|authorization|credential|cookie|signature"
        rf"|(?:{'|'.join(_KEYS)})[_\-]?key|(?<=[a-z0-9])[_.\-]pass(?!{key}))"
    )
    about = "|".join(rf"(?<=[_.\-]{word})" for word in _ABOUT_WORDS)
    camel = "|".join(rf"(?<=[a-z0-9]{word.capitalize()})" for word in _ABOUT_WORDS)
    return _Patterns(
        url_credentials=re.compile(r"([A-Za-z][A-Za-z0-9+.\-]{0,20}://)[^\s/?#@\"']{1,512}@"),
        scheme=re.compile(
            rf"{edge}(?:(Bearer|Basic|GenieKey)(\s+|%20)[A-Za-z0-9+/=._~\-]{{6,}}"
            r"|(Token)(\s+)[A-Za-z0-9+/=._~\-]{16,})",
            re.I,
        ),
        # For a="b", a=b, a: b and "a": "b"; the value ends where quotes, blanks or & do.
        pair=re.compile(
            rf"((?<!{key})(?!{key}++(?:{about}|(?-i:{camel})))"
            rf"(?={key}*?{suspect}){key}++\\?[\"']?\s{{0,8}}[=:]\s{{0,8}})"
            r"(\\?\"(?:[^\"\\]|\\[^\"])*\\?\"|'[^']*'|[^\s\"'&,;}\]]+)",
            re.I,
        ),
        # Of a command line: --db-password hunter2
        option=re.compile(
            r"(--(?:[a-z0-9]{1,20}-){0,4}(?:password|passwd|token|secret|(?:api|access)-key)\s{1,8})"
            r"(\"[^\"]{0,4096}\"|'[^']{0,4096}'|[^\s\"'\-][^\s\"']{0,4096})",
            re.I,
        ),
        # The whole of a run with such a beginning in it, so that none is gone through twice.
        jwt=re.compile(rf"(?<!{url})(?={url}*?{edge}eyJ{url}{{8}}){url}++\.{url}{{8,}}+\.{url}*+"),
        aws_key_id=re.compile(rf"{edge}(?:AKIA|ASIA)[A-Z0-9]{{16}}{edge}"),
    )


def is_secret_key(key: str) -> bool:
    """Tell whether a key's words say that its value is a secret."""
    return _known_key(key) if len(key) <= _SHORT else _is_secret_key(key)


def _is_secret_key(key: str) -> bool:
    seen = as_seen(key)
    # What nobody sees may stand in a word, and between two.
    return _says_secret(seen) or (seen != key and _says_secret(key))


def _says_secret(key: str) -> bool:
    words = [word.lower() for word in _WORD.findall(key)]
    if words and words[-1] in _ABOUT_WORDS:
        return False
    if len(words) > 1 and words[-1] == "pass":  # DB_PASS
        return True
    return any(word in _SECRET_WORDS for word in words) or any(
        pair in _SECRET_PAIRS for pair in itertools.pairwise(words)
    )


def hide_email_addresses(hide: bool) -> None:
    """Say whether e-mail addresses are secrets, too: for the whole process, once at its start."""
    global _email_addresses
    _email_addresses = hide
    _known_text.cache_clear()


def uncovered(text: str) -> str:
    """Take out of a text what may hide a secret in it: colours of a terminal and what is unseen."""
    if "\x1b[" in text:
        text = _COLOURS.sub("", text)
    return as_seen(text)


def redact_text(text: str) -> str:
    """Replace what looks like a secret inside running text or a URL, and leave out what hides one.

    Examples
    --------
    >>> redact_text("pass\\u200bword=hunter2")
    'password=[redacted]'
    """
    return _known_text(text) if len(text) <= _SHORT else _redact_text(text)


def _redact_text(text: str) -> str:
    length = len(text)
    text = uncovered(text)
    if not _suspicious(text):
        return text
    joined = len(text) < length
    patterns = _patterns(joined)
    text = patterns.url_credentials.sub(rf"\1{MASK}@", text)
    text = mask_shapes(text, MASK, joined=joined, email_addresses=_email_addresses)
    text = patterns.scheme.sub(rf"\1\3 {MASK}", text)
    text = patterns.option.sub(rf"\1{MASK}", text)
    if "eyJ" in text:
        text = patterns.jwt.sub(MASK, text)
    text = patterns.aws_key_id.sub(MASK, text)
    return patterns.pair.sub(_mask_pair, text)


_known_key = lru_cache(_REMEMBERED)(_is_secret_key)
_known_text = lru_cache(_REMEMBERED)(_redact_text)


def _suspicious(text: str) -> bool:
    """Tell whether anything in a text could be a secret, or in JSON text the key of one.

    Plain words are found much faster than patterns, and ordinary alerts contain none of them.
    """
    lower = text.lower()
    for word in _TELLTALES:
        if word in lower:
            return True
    # A single character is found at once, and capitals are rare.
    if "J" in text and "eyJ" in text:
        return True
    if "I" in text and ("AKIA" in text or "ASIA" in text):
        return True
    if "@" in text and (_email_addresses or "://" in text):
        return True
    if holds_telltale(text, lower):
        return True
    return "key" in lower and _holds_key_pair(lower)


def _holds_key_pair(lower: str) -> bool:
    at = lower.find("key")
    while at >= 0:
        start = max(0, at - _PAIR_WINDOW)
        before = lower[start:at]
        # Nothing but separators in the window may hide the first word: better suspect it.
        if re.search(_PAIR_BEFORE_KEY, before) or (start and re.match(_NOTHING_BEFORE_KEY, before)):
            return True
        at = lower.find("key", at + 3)
    return False


def is_harmless_json(text: str) -> bool:
    """Tell that a JSON document may be logged exactly as it came.

    Only for documents that `redact_json` would not change, and that are one line of ASCII; it may
    say no to others, too. JSON writes a letter as an escape only if someone means to hide it.
    """
    if not text.isascii() or any(map(text.__contains__, _NOT_AS_IT_CAME)):
        return False
    escapes = iter(text.split("\\u"))
    next(escapes)
    return all(rest[:4] in _PUNCTUATION for rest in escapes) and not _suspicious(text)


def _mask_pair(match: re.Match[str]) -> str:
    value = match.group(2)
    if value.startswith(MASK[:-1]) or value.lower() in {"bearer", "basic", "geniekey", "token"}:
        return match.group(0)  # masked a moment ago, or the scheme in front of a masked value
    quote = '\\"' if value.startswith('\\"') else value[0] if value[0] in "\"'" else ""
    return f"{match.group(1)}{quote}{MASK}{quote}"


def redact_map(texts: Mapping[str, str]) -> dict[str, str]:
    """Redact the values of labels or annotations."""
    redacted = {}
    for key, value in texts.items():
        if value and (_known_key(key) if len(key) <= _SHORT else _is_secret_key(key)):
            redacted[key] = MASK
        else:
            redacted[key] = _known_text(value) if len(value) <= _SHORT else _redact_text(value)
    return redacted


def redact_json(value: object) -> object:
    """Redact a decoded JSON document for the log; its structure stays as it is."""
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, dict):
        return {
            str(key): MASK
            if item not in (None, "", [], {}) and is_secret_key(str(key))
            else redact_json(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [redact_json(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # 1e999 is JSON when it comes in; Infinity would not be when it goes out
    return value
