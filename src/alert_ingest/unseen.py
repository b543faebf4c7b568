"""Characters of a text that nobody sees: inside of a secret they hide it from whoever looks for it.

Which they are is Unicode's to say, and stands here alone. A text loses them where that matters:
between characters of ASCII, of which every known secret is made. Beside a letter of another script
or an emoji they mean something (a joiner in Persian or Hindi, the selector of an emoji's style), so
there they stay.
"""

from __future__ import annotations

import re
from functools import cache

__all__ = ["BLANKS", "CONTROLS", "FORMATS", "IGNORABLE", "SELECTORS", "as_seen"]

# Each is the inside of a class of a regular expression.
#: General_Category Cc without tab, line feed and carriage return.
CONTROLS = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
#: The sixteen variation selectors that say how an emoji is drawn, which are ignorable, too.
SELECTORS = "\ufe00-\ufe0f"
#: The rest of Default_Ignorable_Code_Point, of Unicode 16.0:
#: https://www.unicode.org/Public/16.0.0/ucd/DerivedCoreProperties.txt
IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"
)
#: Of General_Category Cf what is not ignorable and has no sign of its own: marks of annotations and
#: of Egyptian quadrats. Those that have one are Prepended_Concatenation_Mark (U+0600, U+06DD, …).
FORMATS = "\ufff9-\ufffb\U00013430-\U0001343f"
#: What looks like a blank: General_Category Zs without the blank itself, the braille pattern
#: without dots and the musical null notehead.
BLANKS = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000\U0001d159"

# How `str.translate` leaves out controls of ASCII.
_CONTROLS_OF_ASCII = dict.fromkeys((*range(9), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F))


@cache
def _unseen() -> re.Pattern[str]:
    # Compiled where a text needs it: nearly all are plain ASCII.
    return re.compile(f"[{CONTROLS}{SELECTORS}{IGNORABLE}{FORMATS}{BLANKS}]++")


@cache
def _controls() -> re.Pattern[str]:
    return re.compile(f"[{CONTROLS}]+")


@cache
def _blanks() -> re.Pattern[str]:
    return re.compile(f"[{BLANKS}]")


def as_seen(text: str) -> str:
    """Give a text without what nobody sees between two characters of ASCII, and without controls.

    What only looks like a blank is one there. Line ends and tabs stay.

    Examples
    --------
    >>> as_seen("pass\\u200bword\\u00a0= hun\\ufe0fter2")
    'password = hunter2'
    >>> as_seen("⚠\\ufe0f می\\u200cشود") == "⚠\\ufe0f می\\u200cشود"
    True
    """
    if text.isascii():
        return text if text.isprintable() else text.translate(_CONTROLS_OF_ASCII)
    return _unseen().sub(_in_its_place, text)


def _in_its_place(run: re.Match[str]) -> str:
    text, start, end = run.string, run.start(), run.end()
    # Where the text ends is nothing, which is ASCII.
    if text[max(0, start - 1) : start].isascii() and text[end : end + 1].isascii():
        return " " if _blanks().search(run[0]) else ""
    return _controls().sub("", run[0])
