"""What the emulator works out again and again although it cannot have changed.

No mends: nothing comes out differently, only sooner.
"""

from __future__ import annotations

import functools
from typing import Any

_KEPT = 1024


def remember() -> None:
    """Remember what is asked for by almost every call."""
    _policies()
    _expressions()


def _policies() -> None:
    """Parse each policy document once; every call of every role is judged by a few of them."""
    from ministack.core import iam_evaluator

    stock = iam_evaluator.parse_policy_document

    # By its text: a policy that is changed is another text.
    @functools.lru_cache(maxsize=_KEPT)
    def parsed(text: str) -> Any:
        return stock(text)

    def parse(document: Any) -> Any:
        return parsed(document) if isinstance(document, str) else stock(document)

    iam_evaluator.parse_policy_document = parse


def _expressions() -> None:
    """Take each expression of DynamoDB apart once."""
    from ministack.services import dynamodb

    stock = dynamodb._tokenize

    @functools.lru_cache(maxsize=_KEPT)
    def tokens(expression: str) -> Any:
        return tuple(stock(expression))

    def tokenize(expression: str) -> Any:
        # A list of its own for each: parsers may take from it.
        return list(tokens(expression))

    dynamodb._tokenize = tokenize
