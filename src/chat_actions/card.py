"""The card of an incident: what its record says at this moment, whatever brought the news.

Because it is made of the record and of nothing else, news that come late or twice never turn it
back. It is built of slack_sdk's models, which hold it to Slack's limits.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ConfirmObject,
    ContextBlock,
    DividerBlock,
    HeaderBlock,
    MarkdownTextObject,
    PlainTextObject,
    SectionBlock,
)

from chat_actions.headline import headline, symptom
from chat_actions.incoming import ACKNOWLEDGE, APPROVE, DENY, SILENCE, UNDO, button_value
from chat_actions.ports import Record
from chat_actions.question import Question, at_work, pending
from chat_actions.silencing import SILENCE_SECONDS, mark_of
from chat_actions.silencing import offered as left_alone
from chat_actions.story import story
from chat_actions.taking_back import offered
from chat_actions.wording import MOST_HEADER, MOST_TEXT, code, cut, duration, escaped, line

_SHORT = {"critical": "CRIT", "warning": "WARN", "info": "INFO"}
# What a message shows of addresses: as many and as long as mails have, nothing that ends one.
_MOST_LINKS = 5
_LINK = re.compile(r"https?://[!#-;=?-[\]^_a-{}~]{1,990}")
_ARN = re.compile(r"^arn:[^ ]*/")
# What a person reads on a phone; the rest is in the record.
_MOST_LINES = 10
# Of a plan, which shares its section with who asks.
_MOST_PLAN = 2400
# Of what is asked back before a button counts (Slack's reference: 300).
_MOST_CONFIRM = 280


@dataclass(frozen=True)
class Shown:
    """A message for Slack.

    Attributes
    ----------
    text
        What a lock screen shows.
    blocks
        The card, as the Web API takes it.
    """

    text: str
    blocks: Sequence[dict[str, Any]]

    @property
    def digest(self) -> str:
        """Equal for two cards that show the same."""
        return hashlib.sha256(json.dumps([self.text, self.blocks]).encode()).hexdigest()


def card(record: Record) -> Shown:
    """Show a record.

    Parameters
    ----------
    record
        As its table has it.
    """
    question = pending(record)
    first = _first_line(record, question)
    blocks: list[Block] = [
        HeaderBlock(text=PlainTextObject(text=line(first, MOST_HEADER), emoji=False)),
        # On one line: more could be taken for lines of the card.
        _section(line(record.get("summary"), 1000) or "The alert says nothing more."),
        SectionBlock(fields=[_text(each) for each in _facts(record)]),
    ]
    evidence = record.get("evidence") or {}
    findings = evidence.get("findings") or [] if isinstance(evidence, dict) else []
    if findings:
        found = "\n".join(f"• {line(each, 280)}" for each in findings[:_MOST_LINES])
        blocks.append(_section(f"*Evidence*\n{found}"))
    if question:
        blocks.append(_section(_plan(question)))
    done = [told.text for told in story(record)]
    if done:
        blocks.append(
            _section("*What happened*\n" + "\n".join(f"• {cut(each, 250)}" for each in done[-6:]))
        )
    blocks += [DividerBlock(), *_buttons(record, question)]
    told = f"`srectl show {record.get('incident_id')}` tells the whole story"
    blocks.append(ContextBlock(elements=[_text(told), *map(_text, _links(record))]))
    for each in blocks:
        each.validate_json()
    return Shown(line(first, MOST_TEXT), [each.to_dict() for each in blocks])


def _first_line(record: Record, question: Question | None) -> str:
    """Say whether one has to get up, for what, and what is wrong there."""
    status, wrong = record.get("status"), f": {symptom(record)}"
    if question:
        return headline("ASKS YOU", record, wrong)
    if status == "escalated" and not record.get("acknowledged_by"):
        return headline("NEEDS YOU", record, wrong)
    if status == "escalated":
        return headline("TAKEN", record, f": by {_person(record['acknowledged_by'])}")
    if status == "resolved":
        took = duration(record.get("mttr_seconds"))
        return headline("OK", record, ": over" + (f" in {took}" if took else ""))
    if at_work(record):
        return headline("AT WORK", record, wrong)
    return headline(_SHORT.get(str(record.get("severity")), "ALERT"), record, wrong)


def _person(by: Any) -> str:
    """Give the last word of an ARN, and anything else as it is."""
    return _ARN.sub("", str(by))


def _links(record: Record) -> list[str]:
    """Give the addresses that lead on, whole: nothing says that it leads elsewhere."""
    links = record.get("links")
    known = links.items() if isinstance(links, dict) else ()
    shown = [(name, href) for name, href in known if _leads_where_it_seems(href)]
    return [f"{line(name, 100)} <{escaped(href, MOST_TEXT)}>" for name, href in shown[:_MOST_LINKS]]


def _leads_where_it_seems(href: Any) -> bool:
    if not isinstance(href, str) or not _LINK.fullmatch(href):
        return False
    try:
        parts = urlsplit(href)
    except ValueError:
        return False
    return bool(parts.hostname) and "@" not in parts.netloc


def _facts(record: Record) -> list[str]:
    target = record.get("target") or {}
    facts = {
        "Alert": record.get("alert_name") or "without a name",
        "Severity": record.get("severity"),
        "State": record.get("status"),
        "Since": record.get("timestamp"),
        "Cluster": target.get("cluster"),
        "Runbook": (record.get("approval") or {}).get("runbook") or record.get("runbook"),
        "In hand of": record.get("acknowledged_by"),
        "Lent": _lent(record),
        "Over after": duration(record.get("mttr_seconds")),
    }
    return [f"*{name}*\n{line(value, 300)}" for name, value in facts.items() if value][:10]


def _lent(record: Record) -> str:
    """Say what stands for a time only, and until when at least; or what became of it."""
    if not record.get("lent"):
        return ""
    if record.get("restoration"):
        return f"{record['lent']}: {record['restoration']}"
    return f"{record['lent']}, not taken back before {record.get('lent_until')}"


def _changes(question: Question, most: int) -> list[str]:
    return [
        code(
            f"{e.get('kind')} {e.get('name')} {e.get('field')}: {e.get('from')} -> {e.get('to')}",
            most,
        )
        for e in question.plan or []
    ]


def _is_shown_whole(question: Question) -> bool:
    """Say whether the card has all that an approval would approve."""
    lines = _changes(question, MOST_TEXT)
    return (
        question.plan is not None
        and len(lines) <= _MOST_LINES
        and len("\n".join(lines)) <= _MOST_PLAN
    )


def _plan(question: Question) -> str:
    approve = f"srectl approve {question.incident_id}"
    if question.plan is None:
        plan = f"something that cannot be read here. To see it and to answer: {approve}"
    elif _is_shown_whole(question):
        plan = "\n".join(_changes(question, MOST_TEXT)) or "change nothing, as things stand"
    else:
        lines = _changes(question, 200)[:_MOST_LINES]
        plan = "\n".join([*lines, f"This is not all of it. To see it and to answer: {approve}"])
    two = ""
    if question.persons > 1:
        by = question.first.get("by")
        two = " Two persons have to approve it" + (f"; {line(by, 250)} has." if by else ".")
    waits = f"since {line(question.requested_at, 40)}"
    if question.until:
        waits += f", until {line(question.until, 40)}"
    return (
        f"*Runbook {line(question.runbook, 100)} asks {waits}*: "
        f"step {question.step} would{two}\n```{plan}```"
    )


def _buttons(record: Record, question: Question | None) -> list[Block]:
    incident_id = str(record.get("incident_id"))
    buttons = []
    if question:
        value = button_value(incident_id, question.step, question.plan_hash)
        buttons = [ButtonElement(text="Deny", action_id=DENY, value=value, style="danger")]
    if question and _is_shown_whole(question):
        sure = ConfirmObject(
            title="Let the runbook act?",
            text=PlainTextObject(text=f"Step {question.step} of {line(question.runbook, 250)}"),
            confirm="Approve",
            deny="Look again",
        )
        approve = ButtonElement(
            text="Approve", action_id=APPROVE, value=value, style="primary", confirm=sure
        )
        buttons.insert(0, approve)
    if record.get("status") != "resolved" and not record.get("acknowledged_by"):
        value = button_value(incident_id)
        buttons.append(ButtonElement(text="Acknowledge", action_id=ACKNOWLEDGE, value=value))
    back = offered(record)
    if back:
        sure = ConfirmObject(
            title="Take back what the runbook did?",
            text=PlainTextObject(text=line("; ".join(back.steps), _MOST_CONFIRM)),
            confirm="Take it back",
            deny="Leave it",
        )
        value = button_value(incident_id, 0, back.state)
        buttons.append(ButtonElement(text="Undo", action_id=UNDO, value=value, confirm=sure))
    place = left_alone(record)
    if place:
        lasts = duration(SILENCE_SECONDS)
        sure = ConfirmObject(
            title="Leave this target alone?",
            text=PlainTextObject(
                text=line(f"No runbook begins on {place} for {lasts}", _MOST_CONFIRM)
            ),
            confirm="Silence it",
            deny="Leave it on",
        )
        silence = ButtonElement(
            text="Silence automation for this target",
            action_id=SILENCE,
            value=button_value(incident_id, 0, mark_of(place)),
            confirm=sure,
        )
        buttons.append(silence)
    return [ActionsBlock(elements=buttons)] if buttons else []


def _text(text: str) -> MarkdownTextObject:
    # Verbatim: no address in an alert becomes a link, and no name a mention.
    return MarkdownTextObject(text=text, verbatim=True)


def _section(text: str) -> SectionBlock:
    return SectionBlock(text=_text(cut(text, MOST_TEXT)))
