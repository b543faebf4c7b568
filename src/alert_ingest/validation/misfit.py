"""What a validator made by the build raises for a value that does not fit."""

from __future__ import annotations


class Misfit(Exception):
    """The value does not fit the schema; why, `explain` says.

    Parameters
    ----------
    _reasons
        What the generated code hands over; not kept, as it is made for every misfit.
    """

    def __init__(self, *_reasons: object, **_details: object) -> None:
        super().__init__()
