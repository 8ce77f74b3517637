"""What every engine looks like to the runner."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Protocol, TypeAlias, TypeVar

from converters.formats.inspection import Tensor
from registry.errors import UsageError
from zoo._utils.arrays import Array

Arrays: TypeAlias = dict[str, Array]
Own = TypeVar("Own", bound="Closing")


class Session(Protocol):
    """A loaded model: named arrays in, named arrays out."""

    @property
    def engine(self) -> str:
        """``onnxruntime``, ``paddle`` or ``paddle-lite``."""

    @property
    def engine_version(self) -> str:
        """As the engine states it."""

    @property
    def threads(self) -> int:
        """Threads one run may use."""

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """What it takes, in order."""

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        """What it gives, in order. Names differ between exports of one model; the order does not."""

    def run(self, feeds: Mapping[str, Array]) -> Arrays:
        """Compute all outputs.

        Args:
            feeds: One array per input.

        Returns:
            The outputs in order, by name.

        Raises:
            UsageError: The feeds do not fit the inputs; the engine has not seen them.
            ConversionError: The engine failed or crashed.
        """

    def close(self) -> None:
        """Free the engine; further runs are refused. Closing twice does nothing."""

    def __enter__(self) -> Session: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Closing:
    """Frees what it holds at the end of a ``with`` block."""

    def close(self) -> None:
        """See :class:`Session`."""
        raise NotImplementedError

    def __enter__(self: Own) -> Own:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def check_feeds(inputs: tuple[Tensor, ...], feeds: Mapping[str, Array]) -> None:
    """Refuse feeds that an engine would crash on or, worse, answer with garbage.

    Nothing is converted: of a wrong type or axis order only the caller knows what was meant.

    Args:
        inputs: What the model declares. What it leaves open is not checked.
        feeds: What is about to be fed.

    Raises:
        UsageError: ``input-missing``, ``input-unknown``, ``input-dtype``, ``input-rank`` or ``input-shape``.
    """
    names = [tensor.name for tensor in inputs]
    if missing := [name for name in names if name not in feeds]:
        raise _refusal(
            "input-missing", missing[0], "no array is fed to it", ", ".join(names), ", ".join(feeds)
        )
    if unknown := [name for name in feeds if name not in names]:
        raise _refusal("input-unknown", unknown[0], "there is no such input", ", ".join(names), unknown[0])
    for tensor in inputs:
        _check_feed(tensor, feeds[tensor.name])


def _check_feed(tensor: Tensor, array: Array) -> None:
    if tensor.dtype is not None and array.dtype != tensor.dtype:
        raise _refusal("input-dtype", tensor.name, "wrong element type", tensor.dtype, str(array.dtype))
    if tensor.shape is None:
        return
    declared = " x ".join("any" if extent is None else str(extent) for extent in tensor.shape)
    found = " x ".join(map(str, array.shape)) or "a scalar"
    if array.ndim != len(tensor.shape):
        raise _refusal("input-rank", tensor.name, "wrong number of axes", declared, found)
    if any(want not in (None, have) for want, have in zip(tensor.shape, array.shape, strict=True)):
        raise _refusal("input-shape", tensor.name, "wrong shape", declared, found)
    if not array.size:
        raise _refusal("input-shape", tensor.name, "an empty array", declared, found)


def _refusal(code: str, name: str, what: str, expected: str, found: str) -> UsageError:
    return UsageError(
        code,
        f"input {name!r}: {what}",
        expected=expected or "nothing",
        found=found or "nothing",
        done="the model was not run",
        hint="session.inputs says what the model takes",
    )
