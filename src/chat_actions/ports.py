"""What the function needs from outside, for tests to stand in for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from chat_actions.windows import Window

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Card:
    """The row of a card.

    Attributes
    ----------
    channel, message
        Where it stands; ``message`` is empty where there is none yet.
    shown
        Hash of what it shows.
    told
        What its thread has said already, by the keys of the story.
    """

    channel: str = ""
    message: str = ""
    shown: str = ""
    told: frozenset[str] = frozenset()


class Records(Protocol):
    """Table of the incidents."""

    def read(self, incident_id: str) -> Record:
        """Give the record, consistently; empty where there is none."""

    def acknowledge(self, record: Record, by: str, at: str) -> Record:
        """Note who has taken an incident.

        Raises
        ------
        Refused
            It is over.
        """

    def ask_undo(self, record: Record, by: str, at: str, state: str) -> Record:
        """Note who has all taken back that is left; give the record as it is then.

        Nothing is noted where somebody else was quicker, or a runbook works on it.
        """

    def note_silence(self, record: Record, window: Window) -> None:
        """Note since when, until when and why a target is left alone; it is so without, too."""

    def keep_first(self, record: Record, mine: Mapping[str, str], instead_of: str) -> None:
        """Keep the first of two approvals, in place of one given at ``instead_of``.

        Raises
        ------
        Refused
            Somebody was quicker.
        """

    def note_answer(self, record: Record, answer: str, by: str, at: str) -> None:
        """Note an answer that was taken; it counts without, too."""


class Cards(Protocol):
    """Rows of the cards."""

    def read(self, incident_id: str) -> Card:
        """Give the row, consistently."""

    def hold(self, incident_id: str) -> bool:
        """Be the only one who shows this card for a moment; False where somebody else is."""

    def release(self, incident_id: str) -> None:
        """Let others show it."""

    def posted(self, incident_id: str, channel: str, message: str, shown: str) -> None:
        """Note where it stands and what it shows."""

    def tell(self, incident_id: str, key: str) -> None:
        """Note that its thread has said something."""


class Answers(Protocol):
    """Whoever waits for an answer."""

    def give(self, token: str, answer: Mapping[str, Any]) -> None:
        """Give it.

        Raises
        ------
        Refused
            Nobody waits any more.
        """

    def sign(self, statement: str) -> str:
        """Sign a statement with the function's own role."""


class Restorer(Protocol):
    """Whoever takes back what a runbook left."""

    def arn(self, name: str) -> str:
        """Give the ARN of an execution."""

    def find(self, name: str) -> Mapping[str, Any] | None:
        """Give what is known of an execution; None where there is none of that name."""

    def start(self, name: str, request: Mapping[str, Any]) -> None:
        """Have it taken back; of one name there is one, however often it is asked for."""


class Switch(Protocol):
    """A parameter that every runbook reads before it acts."""

    def read(self) -> str:
        """Give what it holds."""

    def write(self, text: str) -> None:
        """Have it hold something else."""


class Bus(Protocol):
    """The platform's bus."""

    def acknowledged(self, record: Record, by: str, at: str) -> None:
        """Tell that somebody has taken an incident."""

    def undo_asked(self, record: Record, by: str, at: str) -> None:
        """Tell that somebody has taken back what its runbook left."""


class Chat(Protocol):
    """Slack."""

    def post(
        self,
        channel: str,
        text: str,
        blocks: Sequence[Mapping[str, Any]] = (),
        thread: str = "",
        *,
        rings: bool = False,
    ) -> str:
        """Post a message; give its ``ts``. One of a thread that rings is shown to the channel."""

    def update(
        self, channel: str, message: str, text: str, blocks: Sequence[Mapping[str, Any]]
    ) -> bool:
        """Show something else in a message; False where it is gone."""

    def whisper(self, channel: str, user: str, text: str, thread: str = "") -> None:
        """Tell one person something that nobody else sees."""
