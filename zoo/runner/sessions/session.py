"""The interface of all engines, and the checks of their inputs."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Protocol, TypeAlias, TypeVar

from converters.formats.inspection import Tensor
from registry.errors import UsageError
from zoo._utils.arrays import Array

Arrays: TypeAlias = dict[str, Array]
AnySession = TypeVar("AnySession", bound="SessionBase")


class Session(Protocol):
    """A loaded model: named arrays in, named arrays out."""

    @property
    def engine(self) -> str:
        """``onnxruntime``, ``paddle`` or ``paddle-lite``."""

    @property
    def engine_version(self) -> str:
        """Version as the engine reports it."""

    @property
    def threads(self) -> int:
        """Threads one run may use."""

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """Inputs, in order."""

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        """Outputs, in order. Names differ between exports of one model; the order does not."""

    def run(self, feeds: Mapping[str, Array]) -> Arrays:
        """Compute all outputs.

        Args:
            feeds: One array per input.

        Returns:
            The outputs in order, by name.

        Raises:
            UsageError: The feeds do not match the inputs; they were not passed to the engine.
            ConversionError: The engine failed or crashed.
        """

    def close(self) -> None:
        """Free the engine; later runs raise an error. Closing twice is allowed."""

    def __enter__(self) -> Session: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class SessionBase:
    """Base of sessions: closes the session at the end of a ``with`` block."""

    def close(self) -> None:
        """See :class:`Session`."""
        raise NotImplementedError

    def __enter__(self: AnySession) -> AnySession:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def check_feeds(inputs: tuple[Tensor, ...], feeds: Mapping[str, Array]) -> None:
    """Refuse feeds on which an engine would crash or return garbage.

    Feeds are never converted: a wrong type or axis order is a mistake that only the caller can resolve.

    Args:
        inputs: Inputs that the model declares. Undeclared shapes and types are not checked.
        feeds: Arrays for the inputs, by name.

    Raises:
        UsageError: ``input-missing``, ``input-unknown``, ``input-dtype``, ``input-rank`` or ``input-shape``.
    """
    names = [tensor.name for tensor in inputs]
    if missing := [name for name in names if name not in feeds]:
        raise _feed_error(
            "input-missing", missing[0], "no array is given for it", ", ".join(names), ", ".join(feeds)
        )
    if unknown := [name for name in feeds if name not in names]:
        raise _feed_error(
            "input-unknown", unknown[0], "the model has no such input", ", ".join(names), unknown[0]
        )
    for tensor in inputs:
        _check_feed(tensor, feeds[tensor.name])


def _check_feed(tensor: Tensor, array: Array) -> None:
    if tensor.dtype is not None and array.dtype != tensor.dtype:
        raise _feed_error("input-dtype", tensor.name, "wrong element type", tensor.dtype, str(array.dtype))
    if tensor.shape is None:
        return
    declared = " x ".join("any" if extent is None else str(extent) for extent in tensor.shape)
    found = " x ".join(map(str, array.shape)) or "a scalar"
    if array.ndim != len(tensor.shape):
        raise _feed_error("input-rank", tensor.name, "wrong number of axes", declared, found)
    if any(extent not in (None, size) for extent, size in zip(tensor.shape, array.shape, strict=True)):
        raise _feed_error("input-shape", tensor.name, "wrong shape", declared, found)
    if not array.size:
        raise _feed_error("input-shape", tensor.name, "an empty array", declared, found)


def _feed_error(code: str, name: str, problem: str, expected: str, found: str) -> UsageError:
    return UsageError(
        code,
        f"input {name!r}: {problem}",
        expected=expected or "nothing",
        found=found or "nothing",
        done="the model was not run",
        hint="session.inputs lists the inputs of the model",
    )
