"""In a flood the first page stays one that is read: what is alike is one card."""

from __future__ import annotations

import datetime
import html
import re
from collections.abc import Iterator

import pytest

from srectl.console import timeline
from tests.support.console_scene import Scene, deployment
from tests.unit.srectl.console.hands import Hands


@pytest.fixture
def scene() -> Iterator[Scene]:
    with pytest.MonkeyPatch.context() as patch, deployment(patch) as made:
        yield Scene(made, datetime.datetime.now(datetime.UTC))


def flooded(scene: Scene, several: int, **changes: object) -> None:
    for count in range(several):
        scene.put(
            f"aaaaaaaa-0000-4000-8000-{count:012}",
            alert_name="DiskAlmostFull",
            target={"cluster": "c", "namespace": "shop", "kind": "deployment", "name": f"w{count}"},
            **{"escalation_reason": f"No runbook is published for w{count}.", **changes},
        )


def text_of(page: str) -> str:
    """Give the words of a page's main part, blanks as a browser shows them."""
    main = re.sub(r"<(button|summary|h\d|dt|dd|li|p|div)", r"\n<\1", page.partition("<main")[2])
    words = html.unescape(re.sub(r"<[^>]*>", "", main))
    lines = (re.sub(r"\s+", " ", line).strip() for line in words.split("\n\n"))
    return "\n".join(filter(None, lines))


def test_those_that_are_alike_are_one_card_and_each_can_still_be_taken(scene: Scene) -> None:
    scene.night()
    flooded(scene, 40)
    seen = Hands(scene.account).see("/")
    assert seen.count('<li class="card') < 8
    said = re.sub(r"\s+", " ", text_of(seen))
    assert "40 alike DiskAlmostFull on" in said
    assert re.search(r"on (shop/w\d+(, )?){3} and 37 more", said)
    assert "the others alike: No runbook is published for w" in said
    assert seen.count("I have it") == 41  # and one of the night
    needs = '<a href="#needs-you">42 need you</a>'
    assert needs in seen
    assert seen.index(needs) < seen.index('href="#at-work">1 at work</a>')


def test_three_that_are_alike_stand_each_by_itself(scene: Scene) -> None:
    flooded(scene, 3)
    seen = Hands(scene.account).see("/")
    assert "alike" not in text_of(seen)
    assert seen.count('<li class="card') == 3


def test_what_is_at_work_alike_is_one_card_and_stands_before_what_somebody_has(
    scene: Scene,
) -> None:
    hand = scene.hand("restart_workload")
    flooded(scene, 5, status="remediating", in_flight="arn:x", in_hand=hand)
    scene.put("bbbbbbbb-0000-4000-8000-000000000001", acknowledged_by="ada")
    seen = Hands(scene.account).see("/")
    assert "5 alike DiskAlmostFull on" in re.sub(r"\s+", " ", text_of(seen))
    assert seen.index('id="at-work"') < seen.index('id="taken"')


def test_many_that_have_nothing_in_common_are_folded_away_and_no_question_is(scene: Scene) -> None:
    for count in range(30):
        number = f"{count:012}"
        scene.put(
            f"bbbbbbbb-0000-4000-8000-{number}",
            escalation_reason=f"it is {chr(97 + count)}",
        )
    hand = scene.hand("scale_deployment")
    for count in range(10):
        scene.put(
            f"dddddddd-0000-4000-8000-{count:012}",
            severity="info",
            status="remediating",
            in_flight="arn:x",
            in_hand=hand,
            approval={"token": "t", "requested_at": scene.ago(minutes=1), "runbook": "R"},
        )
    seen = Hands(scene.account).see("/")
    before, _, folded = seen.partition('<details id="needs-others">')
    assert "and 30 more" in folded
    assert before.count('class="ask"') == 10


@pytest.mark.parametrize("path", ["/", "/incidents", "/incidents/ID", "/switches"])
def test_no_blank_stands_before_a_comma_or_a_full_stop(scene: Scene, path: str) -> None:
    hand = scene.hand("restart_workload")
    one = "bbbbbbbb-0000-4000-8000-000000000001"
    scene.night()
    scene.put(one, status="remediating", in_flight="arn:x", in_hand=hand, acknowledged_by="eve")
    scene.put("bbbbbbbb-0000-4000-8000-000000000002", acknowledged_by="eve")
    seen = text_of(Hands(scene.account).see(path.replace("ID", one)))
    assert re.findall(r".{0,30}\s[,.;](?:\s|$)", seen) == []


def test_an_error_that_the_summary_says_is_said_once() -> None:
    def error_of(summary: str) -> str | None:
        error = {"name": "RolloutFailed", "message": "pods crash"}
        action = {"status": "failed", "started_at": "2026-11-28T03:00:00.000Z", "error": error}
        record = {"actions_taken": [{**action, "summary": summary}]}
        (event,) = [one for one in timeline.events(record) if one["kind"] == "failed"]
        said: str | None = event["error"]
        return said

    assert error_of("RolloutFailed: pods crash") is None
    assert error_of("not done: pods crash") == "RolloutFailed"
    assert error_of("it failed") == "RolloutFailed: pods crash"
