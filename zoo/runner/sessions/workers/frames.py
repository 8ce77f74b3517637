"""Wire format between a session and its worker process, and the worker's loop.

A frame is the length of a JSON object (u32), the length of the payload (u64), both little-endian, the object
in UTF-8, and the bytes of the arrays one after the other. The object's ``arrays`` lists name, dtype and shape
of each.

As a script, ``python frames.py REQUESTS ANSWERS WORKER.py`` with two inherited descriptors, this is the main
program of a worker process. It runs under the interpreter that has the engine, down to CPython 3.5, so it is
limited to that syntax and imports only the standard library and NumPy.
"""

import json
import os
import runpy
import struct
import sys
from typing import Any, Callable, Dict, Iterable, List, Tuple  # noqa: UP035  CPython 3.5 syntax

import numpy as np

Named = Tuple[str, Any]  # noqa: UP006  name and array

_LENGTHS = struct.Struct("<IQ")
_LARGEST_MESSAGE = 1 << 24
_LARGEST_PAYLOAD = 1 << 32


def send(write: Callable[[Any], int], message: Dict[str, Any], arrays: Iterable[Named] = ()) -> None:  # noqa: UP006
    """Send one frame.

    Args:
        write: Writes bytes and returns how many it wrote; ``os.write`` bound to a descriptor.
        message: JSON object; its key ``arrays`` is set here.
        arrays: Pairs of name and array.
    """
    contiguous = [(name, np.asarray(array, order="C")) for name, array in arrays]
    listing = [[name, array.dtype.str, list(array.shape)] for name, array in contiguous]
    text = json.dumps(dict(message, arrays=listing)).encode("utf-8")
    size = sum(array.nbytes for _, array in contiguous)
    _send_all(write, _LENGTHS.pack(len(text), size) + text)
    for _, array in contiguous:
        if array.nbytes:
            _send_all(write, array.data.cast("B"))


def receive(read_into: Callable[[memoryview], int]) -> Tuple[Dict[str, Any], List[Named]]:  # noqa: UP006
    """Receive one frame.

    Args:
        read_into: Fills a writable buffer from its start and returns the number of bytes, 0 at the end of
            the stream.

    Returns:
        The JSON object, and pairs of name and array.

    Raises:
        EOFError: The other side closed the pipe.
        ValueError: The bytes are not a valid frame.
    """
    message_size, size = _LENGTHS.unpack(_receive_all(read_into, _LENGTHS.size))
    if message_size > _LARGEST_MESSAGE or size > _LARGEST_PAYLOAD:
        raise ValueError("a frame announces " + str(message_size) + " + " + str(size) + " bytes")
    message = json.loads(bytes(_receive_all(read_into, message_size)).decode("utf-8"))
    arrays = []
    for name, dtype, shape in message.pop("arrays"):
        count = int(np.prod(shape, dtype=np.int64))
        data = _receive_all(read_into, count * np.dtype(dtype).itemsize)
        arrays.append((name, np.frombuffer(data, dtype=dtype, count=count).reshape(shape)))
    return message, arrays


def serve(incoming: int, outgoing: int, open_model: Callable[[Dict[str, Any]], Any]) -> None:  # noqa: UP006
    """Answer requests until the other side closes its end.

    A Python exception becomes an answer with the key ``error``. The other side detects a crash.

    Args:
        incoming: Descriptor to read requests from.
        outgoing: Descriptor to write answers to.
        open_model: Takes the first request and returns a model. Its attribute ``facts`` is a JSON object, the
            first answer; its method ``run`` takes arrays by name and returns pairs of name and array.
    """
    model = None
    while True:
        try:
            message, arrays = receive(lambda buffer: os.readv(incoming, [buffer]))
        except EOFError:
            # Not sys.exit: a native library may crash while unloading, and there is nothing left to report.
            os._exit(0)
        answer = {}  # type: Dict[str, Any]
        results = []  # type: List[Named]
        try:
            if model is None:
                model = open_model(message)
                answer = model.facts
            else:
                results = model.run(dict(arrays))
        except Exception as error:  # any exception of an engine is the answer to this request
            answer = {"error": type(error).__name__ + ": " + str(error)}
        send(lambda data: os.write(outgoing, data), answer, results)


def _send_all(write: Callable[[Any], int], data: Any) -> None:
    view = memoryview(data)
    while view.nbytes:
        view = view[write(view) :]


def _receive_all(read_into: Callable[[memoryview], int], size: int) -> bytearray:
    data = bytearray(size)
    view = memoryview(data)
    while view.nbytes:
        count = read_into(view)
        if not count:
            raise EOFError("the other side closed the pipe")
        view = view[count:]
    return data


if __name__ == "__main__":
    # The folder of this script must not shadow modules that the engine imports.
    sys.path[:] = [entry for entry in sys.path if entry != os.path.dirname(os.path.abspath(__file__))]
    serve(int(sys.argv[1]), int(sys.argv[2]), runpy.run_path(sys.argv[3])["Model"])
