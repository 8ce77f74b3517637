"""Packages that the light install lacks: said with the extra that brings them, wherever they are needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from registry.errors import MissingToolError

_ROOMS = frozenset({"registry", "converters", "zoo"})


def missing_package(error: ModuleNotFoundError, extra: str) -> MissingToolError | None:
    """The refusal that a missing package becomes; None when a module of ours is what is missing.

    Args:
        error: What the interpreter raised.
        extra: The extra that brings it.
    """
    package = (error.name or "").partition(".")[0]
    if not package or package in _ROOMS:
        return None
    return MissingToolError(
        "package-missing",
        f"this needs the package {package}, which is not installed in this Python",
        found=str(error),
        hint=f"pip install 'paddle-zoo[{extra}]'",
    )


@contextmanager
def requires_extra(extra: str) -> Iterator[None]:
    """Decorates a function of the Python API whose packages an extra brings.

    Args:
        extra: The extra.

    Raises:
        MissingToolError: ``package-missing``.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (refusal := missing_package(error, extra)) is None:
            raise
        raise refusal from None
