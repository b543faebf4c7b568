"""Keeps secrets that people leave in labels, annotations and URLs out of logs and events.

Alert text ends in logs, mails and chat channels, so what looks like a secret is replaced before it
goes anywhere. A key decides by its words (`api_key`, `X-Auth-Token`, `clientSecret`); text is
searched for credentials in URLs, authorization schemes and `key=value` or `"key": "value"` pairs.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping

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
_SECRET_PAIRS = frozenset({("api", "key"), ("access", "key"), ("private", "key"), ("app", "key")})
_WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z0-9]+(?![a-z])")

# Every quantifier is bounded, or possessive behind a lookbehind, so that a body of 1 MB made to
# trip over them is still searched in about a second.
_KEY = r"[A-Za-z0-9_.\-]"
_SUSPECT = (
    r"(?:password|passwd|passphrase|pwd|secret|token|authorization|credential|api[_\-]?key"
    r"|access[_\-]?key|private[_\-]?key|app[_\-]?key|cookie|signature)"
)
_URL_CREDENTIALS = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]{0,20}://)[^\s/?#@\"']{1,512}@")
_SCHEME = re.compile(
    r"\b(?:(Bearer|Basic|GenieKey)(\s+|%20)[A-Za-z0-9+/=._~\-]{6,}|(Token)(\s+)[A-Za-z0-9+/=._~\-]{16,})",
    re.I,
)
# One pattern for a="b", a=b, a: b and "a": "b"; the value ends where quotes, blanks or & do.
_PAIR = re.compile(
    rf"((?<!{_KEY})(?={_KEY}*?{_SUSPECT}){_KEY}++\\?[\"']?\s{{0,8}}[=:]\s{{0,8}})"
    r"(\\?\"(?:[^\"\\]|\\[^\"])*\\?\"|'[^']*'|[^\s\"'&,;}\]]+)",
    re.I,
)
# Each match of _SCHEME or _PAIR contains one of these.
_SCHEMES = ("bearer", "basic", "geniekey", "token")
_SECRET_PARTS = (
    "pass",
    "pwd",
    "secret",
    "token",
    "authorization",
    "credential",
    "key",
    "cookie",
    "signature",
)
_JWT = re.compile(r"\beyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]*")
_AWS_KEY_ID = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")


def is_secret_key(key: str) -> bool:
    """Tell whether a key's words say that its value is a secret."""
    words = [word.lower() for word in _WORD.findall(key)]
    return any(word in _SECRET_WORDS for word in words) or any(
        pair in _SECRET_PAIRS for pair in itertools.pairwise(words)
    )


def redact_text(text: str) -> str:
    """Replace what looks like a secret inside running text or a URL."""
    # Plain words are found twenty times faster, and ordinary alerts contain none of them.
    if "@" in text and "://" in text:
        text = _URL_CREDENTIALS.sub(rf"\1{MASK}@", text)
    lower = text.lower()
    if any(word in lower for word in _SCHEMES):
        text = _SCHEME.sub(rf"\1\3 {MASK}", text)
    if "eyJ" in text:
        text = _JWT.sub(MASK, text)
    if "AKIA" in text or "ASIA" in text:
        text = _AWS_KEY_ID.sub(MASK, text)
    if any(word in lower for word in _SECRET_PARTS):
        text = _PAIR.sub(_mask_pair, text)
    return text


def _mask_pair(match: re.Match[str]) -> str:
    value = match.group(2)
    if value.startswith(MASK[:-1]) or value.lower() in {"bearer", "basic", "geniekey", "token"}:
        return match.group(0)  # masked a moment ago, or the scheme in front of a masked value
    quote = '\\"' if value.startswith('\\"') else value[0] if value[0] in "\"'" else ""
    return f"{match.group(1)}{quote}{MASK}{quote}"


def redact_map(texts: Mapping[str, str]) -> dict[str, str]:
    """Redact the values of labels or annotations."""
    return {
        key: MASK if value and is_secret_key(key) else redact_text(value)
        for key, value in texts.items()
    }


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
