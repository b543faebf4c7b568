"""What the doctor found: how bad it is, what and where, and what to type next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from srectl.errors import ExitCode

__all__ = ["Finding", "Severity", "exit_code", "failed", "fine", "not_checked", "note", "warning"]


class Severity(StrEnum):
    """How bad it is.

    ``NOTE`` is nothing wrong, and yet on-call should know it. ``NOT_CHECKED`` says nothing of the
    platform: the doctor could not look, which is no reason to believe that all is well.
    """

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    FAILED = "failed"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    severity
        How bad it is.
    where
        The thing, by the name that AWS or the cluster has for it.
    what
        What is so of it, as a sentence that goes on after ``where``.
    next
        What to type, or do; empty where nothing is to be done.
    check
        Name of the check that found it; the examination fills it in.
    """

    severity: Severity
    where: str
    what: str
    next: str = ""
    check: str = ""


def fine(where: str, what: str) -> Finding:
    """Give a finding that all is well."""
    return Finding(Severity.OK, where, what)


def note(where: str, what: str, then: str = "") -> Finding:
    """Give a finding that is nothing wrong and good to know."""
    return Finding(Severity.NOTE, where, what, then)


def warning(where: str, what: str, then: str) -> Finding:
    """Give a finding that does not stop the platform yet."""
    return Finding(Severity.WARNING, where, what, then)


def failed(where: str, what: str, then: str) -> Finding:
    """Give a finding that stops the platform, or hides that it stopped."""
    return Finding(Severity.FAILED, where, what, then)


def not_checked(where: str, why: str, then: str) -> Finding:
    """Give what could not be looked at, and why."""
    return Finding(Severity.NOT_CHECKED, where, why, then)


def exit_code(findings: Iterable[Finding]) -> ExitCode:
    """Give the exit code of an examination.

    Returns
    -------
    ExitCode
        FAILED where anything failed; else DOUBTFUL where there is a warning, or something could not
        be looked at; else OK.
    """
    found = {finding.severity for finding in findings}
    if Severity.FAILED in found:
        return ExitCode.FAILED
    if found & {Severity.WARNING, Severity.NOT_CHECKED}:
        return ExitCode.DOUBTFUL
    return ExitCode.OK
