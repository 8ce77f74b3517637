"""Typed wrappers of Numba's decorators, whose types a type checker cannot see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

# Heavy, and an optional dependency: only ARM FP16 emulation imports this package.
import numba

Loop = TypeVar("Loop", bound=Callable[..., Any])


def compile_loop(function: Loop) -> Loop:
    """Compile a loop over arrays, cached on disk; it releases the GIL."""
    return cast(Loop, _cached(numba.njit, nogil=True)(function))


def compile_ufunc(*signatures: str) -> Callable[[Loop], Callable[..., Any]]:
    """Compile a function of scalars into one of arrays, with NumPy's broadcasting.

    Args:
        signatures: In Numba's notation, for example ``f8(f8,f8)``.
    """
    return cast(Callable[[Loop], Callable[..., Any]], _cached(numba.vectorize, list(signatures)))


def _cached(compiler: Callable[..., Any], *arguments: Any, **options: Any) -> Callable[[Loop], Any]:
    def decorate(function: Loop) -> Any:
        try:
            return compiler(*arguments, cache=True, **options)(function)
        except RuntimeError:
            # Neither the package nor the user's home is writable: compile at every start.
            return compiler(*arguments, **options)(function)

    return decorate
