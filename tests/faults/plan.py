"""Making a plan from a seed: the same seed, size and faults give the same plan, to the letter."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tests.faults.kinds import Delivery, Firing, Plan, Strike

__all__ = ["Sizes", "make"]

CHECKOUT = "checkout"
#: Of a hundred incidents, how many are of which kind.
_SHARES = {"silent": 44, "info": 6, "scale": 22, "restart": 16, "evict": 8, "switch": 4}
#: Seconds from firing to a stage, on a machine that is not idle: when a strike meets its victims.
_LEADS = {
    "intake": 0.0,
    "claim": 1.0,
    "guard": 2.0,
    "act": 3.5,
    "verify": 7.0,
    "undo": 26.0,
    "close": 10.0,
    "restore": 14.0,
}
_POISONS = ("no-json", "wrong-types", "no-alerts", "too-deep", "nothing", "not-utf-8")
_PAUSE_SECONDS = 3.0
_UNDONE_SECONDS = 60.0
_BEFORE_FIRST_STRIKE, _AFTER_LAST_STRIKE = 6.0, 5.0
_SKEW_SECONDS = 600.0


@dataclass(frozen=True)
class Sizes:
    """How much is to happen.

    Parameters
    ----------
    incidents : int
        Firings in all.
    seconds : float
        How long it sends and strikes.
    targets : int
        Deployments that runbooks act on.
    """

    incidents: int
    seconds: float
    targets: int


def make(seed: int, sizes: Sizes, faults: Mapping[str, tuple[Sequence[str], float]]) -> Plan:
    """Make a plan.

    Parameters
    ----------
    seed : int
        Decides everything that is left to chance.
    sizes : Sizes
        How much is to happen.
    faults : mapping
        Name of a nemesis → the stages that it can strike at, and the seconds that it lasts.

    Returns
    -------
    Plan
        Deliveries and strikes in the order of their times.
    """
    dice = random.Random(seed)  # noqa: S311 - a plan is to be repeatable, not secret
    targets = tuple(f"faults-{number:02}" for number in range(sizes.targets))
    firings = _firings(dice, sizes, targets)
    strikes, firings = _strikes(dice, sizes, faults, firings)
    firings, pairs = _pairs(dice, firings)
    deliveries = [*_deliveries(dice, firings, pairs), *_forged(seed, firings)]
    return Plan(
        seed,
        sizes.seconds,
        targets,
        tuple(firings),
        tuple(sorted(deliveries, key=lambda each: each.at)),
        tuple(strikes),
    )


def _firings(dice: random.Random, sizes: Sizes, targets: Sequence[str]) -> list[Firing]:
    made = []
    for number in range(sizes.incidents):
        (kind,) = dice.choices(list(_SHARES), list(_SHARES.values()))
        target = "" if kind in ("silent", "info") else dice.choice(targets)
        at = dice.uniform(0, sizes.seconds)
        firing = Firing(
            number=number,
            kind=kind,
            target=CHECKOUT if kind == "switch" else target,
            severity="info" if kind == "info" else dice.choice(("critical", "warning")),
            fires_at=round(at, 3),
            ends_at=round(at + dice.uniform(6, 25), 3),
            skew=0.0,
            fingerprint=f"{dice.getrandbits(64):016x}",
            hostile=dice.random() < 0.1,
        )
        if dice.random() < 0.1:
            firing = replace(firing, skew=round(dice.uniform(-_SKEW_SECONDS, _SKEW_SECONDS), 3))
        made.append(firing)
    return made


def _strikes(
    dice: random.Random,
    sizes: Sizes,
    faults: Mapping[str, tuple[Sequence[str], float]],
    firings: list[Firing],
) -> tuple[list[Strike], list[Firing]]:
    """Place every fault at every stage of its own, again and again, each with victims."""
    wanted: list[tuple[str, str]] = []
    free = [firing.number for firing in firings if firing.acts]
    dice.shuffle(free)
    placed = {firing.number: firing for firing in firings}
    strikes = []
    at = _BEFORE_FIRST_STRIKE
    while faults:
        if not wanted:
            wanted = [(name, stage) for name in sorted(faults) for stage in faults[name][0]]
            dice.shuffle(wanted)
        fault, stage = wanted.pop()
        seconds = faults[fault][1]
        if at + seconds > sizes.seconds - _AFTER_LAST_STRIKE:
            break
        victims = tuple(free.pop() for _ in range(min(2, len(free))))
        for number in victims:
            fires = max(0.0, at - _LEADS[stage] + dice.uniform(-0.5, 0.5))
            # What does not end in time is undone; what ends early gets that far.
            lasts = _UNDONE_SECONDS if stage == "undo" else 8.0
            placed[number] = replace(
                placed[number], fires_at=round(fires, 3), ends_at=round(fires + lasts, 3)
            )
        strikes.append(Strike(round(at, 3), seconds, fault, stage, victims))
        at += seconds + _PAUSE_SECONDS
    return strikes, [placed[firing.number] for firing in firings]


def _pairs(dice: random.Random, firings: list[Firing]) -> tuple[list[Firing], set[int]]:
    """Let some that act fire together with another runbook's alert on the same object."""
    scales = [firing for firing in firings if firing.kind == "scale"]
    restarts = [firing for firing in firings if firing.kind == "restart"]
    moved, pairs = {}, set()
    for first, second in zip(scales, restarts, strict=False):
        if dice.random() < 0.25:
            near = first.fires_at + dice.uniform(-0.3, 0.3)
            lasts = second.ends_at - second.fires_at
            moved[second.number] = replace(
                second,
                target=first.target,
                fires_at=round(max(0.0, near), 3),
                ends_at=round(max(0.0, near) + lasts, 3),
            )
            pairs |= {first.number, second.number}
    return [moved.get(firing.number, firing) for firing in firings], pairs


def _deliveries(dice: random.Random, firings: Sequence[Firing], pairs: set[int]) -> list[Delivery]:
    made: list[Delivery] = []
    for firing in sorted(firings, key=lambda each: each.fires_at):
        faults = ["two-runbooks"] if firing.number in pairs else []
        faults += ["clock-skew"] if firing.skew else []
        begin, end = firing.fires_at, firing.ends_at
        if dice.random() < 0.08:
            faults.append("reordered")
            begin, end = end, max(begin, 0.0)
        if dice.random() < 0.08:
            faults.append("delayed")
            begin += dice.uniform(5, 30)
            end = max(end, begin + 3) if "reordered" not in faults else end
        if dice.random() < 0.08:
            faults.append("connection-cut")
        one = (firing.number,)
        made.append(Delivery(round(begin, 3), one, "firing", tuple(faults)))
        made.append(Delivery(round(end, 3), one, "resolved"))
        for _ in range(dice.choice((0, 0, 0, 1, 1, 2))):
            again = round(begin + dice.uniform(0, 30), 3)
            made.append(Delivery(again, one, "firing", ("duplicate",)))
        if dice.random() < 0.2:
            again = round(end + dice.uniform(0, 10), 3)
            made.append(Delivery(again, one, "resolved", ("duplicate",)))
        if dice.random() < 0.05:
            poison = dice.choice(_POISONS)
            at = round(begin + dice.uniform(-1, 1), 3)
            made.append(Delivery(max(0.0, at), (), "firing", ("poisoned-body",), poison))
    return _together(dice, made)


def _forged(seed: int, firings: Sequence[Firing]) -> Iterator[Delivery]:
    """Let another sender tell the end of some that still fire; with dice of its own."""
    dice = random.Random(f"forged ends of {seed}")  # noqa: S311 - repeatable, not secret
    for firing in firings:
        lasts = firing.ends_at - firing.fires_at
        at = round(firing.fires_at + lasts * dice.uniform(0.2, 0.8), 3)
        if dice.random() < 0.06:
            yield Delivery(at, (firing.number,), "resolved", ("forged-end",), forged=True)


def _together(dice: random.Random, deliveries: Sequence[Delivery]) -> list[Delivery]:
    """Let some bodies tell of several alerts, as a group of Alertmanager does."""
    made: list[Delivery] = []
    for one in sorted(deliveries, key=lambda each: each.at):
        last = made[-1] if made else None
        if (
            last is not None
            and not (last.poison or one.poison)
            and last.status == one.status
            and one.at - last.at < 0.5
            and len(last.firings) < 4
            and not set(last.firings) & set(one.firings)
            and dice.random() < 0.3
        ):
            faults = tuple(dict.fromkeys((*last.faults, *one.faults)))
            made[-1] = replace(last, firings=last.firings + one.firings, faults=faults)
        else:
            made.append(one)
    return made
