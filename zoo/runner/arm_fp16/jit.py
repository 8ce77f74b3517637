"""Numba, with the types it hides from a type checker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

# Heavy, and an extra: only who interprets a half-precision file imports this package.
import numba

Loop = TypeVar("Loop", bound=Callable[..., Any])


def compiled(function: Loop) -> Loop:
    """Compiles a loop over arrays, kept on disk for the next start; other threads run meanwhile."""
    return cast(Loop, _kept(numba.njit, nogil=True)(function))


def elementwise(*signatures: str) -> Callable[[Loop], Callable[..., Any]]:
    """Compiles a function of scalars into one of arrays, with NumPy's broadcasting.

    Args:
        signatures: As Numba spells them, for example ``f8(f8,f8)``.
    """
    return cast(Callable[[Loop], Callable[..., Any]], _kept(numba.vectorize, list(signatures)))


def _kept(compiler: Callable[..., Any], *arguments: Any, **options: Any) -> Callable[[Loop], Any]:
    def decorate(function: Loop) -> Any:
        try:
            return compiler(*arguments, cache=True, **options)(function)
        except RuntimeError:
            # Neither the package nor the home of this user can be written to: compile at every start.
            return compiler(*arguments, **options)(function)

    return decorate
