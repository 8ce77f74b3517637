"""Frames between session and worker preserve arrays."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from zoo.runner.sessions.workers import frames

dtypes = st.sampled_from([np.dtype(name) for name in ("f4", "f8", "f2", "i8", "i4", "u1", "?", ">f4")])
any_array = arrays(dtypes, array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5))


class Stream:
    """A pipe that returns a few bytes at a time."""

    def __init__(self, step: int) -> None:
        self.data = bytearray()
        self._step = step

    def write(self, data: memoryview) -> int:
        taken = bytes(data[: self._step])
        self.data += taken
        return len(taken)

    def read_into(self, buffer: memoryview) -> int:
        count = min(len(buffer), self._step, len(self.data))
        buffer[:count] = self.data[:count]
        del self.data[:count]
        return count


@settings(max_examples=50)
@given(
    st.dictionaries(st.text(max_size=8), any_array, max_size=3),
    st.dictionaries(st.text(max_size=5).filter(lambda key: key != "arrays"), st.integers() | st.text()),
    st.integers(16, 300),
)
def test_a_frame_is_received_as_sent(
    feeds: dict[str, np.ndarray], message: dict[str, object], step: int
) -> None:
    stream = Stream(step)
    frames.send(stream.write, message, feeds.items())
    received, named = frames.receive(stream.read_into)
    assert received == message
    assert [name for name, _ in named] == list(feeds)
    for (_, array), sent in zip(named, feeds.values(), strict=True):
        assert array.dtype == sent.dtype
        assert array.shape == sent.shape
        assert array.tobytes() == sent.tobytes()
    assert not stream.data


def test_a_strided_view_is_sent_contiguously() -> None:
    stream = Stream(64)
    view = np.arange(24.0).reshape(4, 6)[::2, ::-3]
    frames.send(stream.write, {}, [("view", view)])
    assert (frames.receive(stream.read_into)[1][0][1] == view).all()


@pytest.mark.parametrize("kept", [0, 5, 40])
def test_a_truncated_frame_is_an_error(kept: int) -> None:
    stream = Stream(1000)
    frames.send(stream.write, {"a": 1}, [("x", np.zeros(9))])
    del stream.data[kept:]
    with pytest.raises(EOFError):
        frames.receive(stream.read_into)


def test_invalid_frames_are_refused_before_memory_is_allocated() -> None:
    stream = Stream(1000)
    stream.data += b"[I 11/22 11:02:42 lite/core/program.cc:300] a native library that prints"
    with pytest.raises(ValueError, match="a frame announces"):
        frames.receive(stream.read_into)


def test_workers_keep_to_the_syntax_of_the_oldest_interpreter_with_a_wheel() -> None:
    for script in Path(frames.__file__).parent.glob("*.py"):
        ast.parse(script.read_text(), feature_version=(3, 5))
