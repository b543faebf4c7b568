"""What a record holds is text in a post-mortem, whatever it looks like."""

from __future__ import annotations

import html
import re

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from srectl.postmortem.markdown import as_json, as_markdown, escaped
from srectl.postmortem.sentence import Sentence
from tests.unit.srectl.postmortem.example import record

RENDERER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
HOSTILE = st.text(
    alphabet=st.sampled_from("ab1 .-+#*_`~[](){}<>|!\\&;:/@$=\n\t\u202e\"'"), max_size=40
)


def shown(markdown: str) -> str:
    """Give what a reader sees of it."""
    made = RENDERER.render(markdown)
    assert re.fullmatch(r"<ul>\n<li>(.*)</li>\n</ul>\n", made, re.DOTALL), made
    inside = made[len("<ul>\n<li>") : -len("</li>\n</ul>\n")]
    assert not re.search(r"<(?!/?$)", inside), made  # no element in it
    return html.unescape(inside).replace("\u200b", "")


@given(HOSTILE.filter(lambda text: text.strip(" \n\t\u202e")))
def test_any_text_is_shown_as_it_is(text: str) -> None:
    clean = " ".join(re.sub(r"[\x00-\x1f\u202e]+", " ", text).split())
    assert " ".join(shown(f"- {escaped(text)}").split()) == clean


def test_an_attack_stays_text() -> None:
    attack = "</td><script>alert(1)</script> [click](http://evil) ![x](http://evil) | a"
    assert shown(f"- {escaped(attack)}") == attack
    assert "http://" not in escaped(attack)


def test_all_of_it_is_written() -> None:
    chapters = {"Summary": [Sentence("It rang.", "record: timestamp")], "Impact": []}
    text = as_markdown(record(), chapters, "2026-11-28T07:00:00Z")
    assert "- It rang. *[record: timestamp]*\n" in text
    assert "## Impact\n\nNothing is on record.\n" in text
    told = as_json(record(), chapters, "2026-11-28T07:00:00Z")
    assert told["chapters"][0]["sentences"] == [{"text": "It rang.", "source": "record: timestamp"}]
