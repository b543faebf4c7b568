"""Mends what SAM knows of a stack's parameters.

CloudFormation hands the SAM transform the values that an operation was given. The emulator hands
it none, so that whatever SAM resolves by itself, such as an API's resource policy, keeps the
default of the template for ever.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from ministack.services.cloudformation import changesets, engine, handlers
from samtranslator.translator import transform as sam

_values: ContextVar[dict[str, Any] | None] = ContextVar("values", default=None)


def apply() -> None:
    """Keep the values while the transforms of an operation run, and give them to SAM's."""
    stock_apply, stock_transform = engine._apply_transforms, sam.transform

    def apply_transforms(
        template: dict[str, Any], provided_params: Any = None, previous_params: Any = None
    ) -> Any:
        token = _values.set(
            engine._transform_parameters(template, provided_params, previous_params)
        )
        try:
            return stock_apply(template, provided_params, previous_params)
        finally:
            _values.reset(token)

    def transform(template: dict[str, Any], parameters: dict[str, Any], *more: Any) -> Any:
        return stock_transform(template, parameters or _values.get() or {}, *more)

    sam.transform = transform
    for module in (engine, changesets, handlers):
        module._apply_transforms = apply_transforms
