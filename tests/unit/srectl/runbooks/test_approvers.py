"""Approvers of whom there can never be two."""

from __future__ import annotations

import pytest

from srectl.runbooks.approvers import too_few

ROLE = "arn:aws:sts::1:assumed-role/OnCall"
SSO = "arn:aws:sts::1:assumed-role/AWSReservedSSO_OnCall"
USER = "arn:aws:iam::1:user"


@pytest.mark.parametrize(
    ("approvers", "found"),
    [
        ([f"{ROLE}/*"], True),
        ([f"{ROLE}/*", f"{ROLE}/ada"], True),
        ([f"{ROLE}/*".replace(":1:", ":*:")], True),
        ([f"{SSO}_*/ada@example.com", f"{SSO}_1f/Ada@example.com"], True),
        ([f"{USER}/*/ada"], True),
        ([f"{USER}/ada", f"{USER}/*/ada", f"{SSO}_1f/ada"], True),
        ([f"{ROLE}/*", f"{USER}/ada"], False),
        ([f"{ROLE}*"], False),
        (["arn:aws:sts::1:assumed-role/*"], False),
        ([f"{SSO}_1f/*"], False),
        ([f"{SSO}_*"], False),
        ([f"{USER}/*"], False),
        (["arn:aws:iam::1:*"], False),
        ([], False),
    ],
)
def test_what_fits_a_pattern_may_still_be_one_person(approvers: list[str], found: bool) -> None:
    assert too_few({"required": True, "persons": 2, "approvers": approvers}) is found
    assert not too_few({"required": True, "approvers": approvers})
