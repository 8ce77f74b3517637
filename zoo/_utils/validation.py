"""Validates the keyword arguments of API functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from registry.errors import UsageError
from registry.schema import Model

_Options = TypeVar("_Options", bound=Model)


def validate_kwargs(kind: type[_Options], function: str, arguments: Mapping[str, object]) -> _Options:
    """Validate the arguments of an API function and return them as one model.

    Args:
        kind: The model.
        function: Name of the function in ``zoo``.
        arguments: Name of each argument to its value.

    Raises:
        UsageError: ``bad-option``.
    """
    from pydantic import ValidationError

    try:
        return kind.model_validate(arguments)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"]))
        raise UsageError(
            "bad-option",
            f"{function}(): {field}: {first['msg']}",
            found=str(first["input"])[:100],
            hint=f"help(zoo.{function}) lists the options",
        ) from None
