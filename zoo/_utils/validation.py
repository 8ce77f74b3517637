"""Arguments of a call as one frozen value, and what is wrong with them in our tree of errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from registry.errors import UsageError
from registry.schema import Model

_Asked = TypeVar("_Asked", bound=Model)


def validate_kwargs(kind: type[_Asked], function: str, arguments: Mapping[str, object]) -> _Asked:
    """Arguments of a function of the Python API as one value.

    Args:
        kind: What they make up.
        function: Name of the function, in ``zoo``.
        arguments: Name of each to its value.

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
            hint=f"help(zoo.{function}) names the options",
        ) from None
