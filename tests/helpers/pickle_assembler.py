"""Assembler of pickles from opcodes, including pickles that no pickler writes."""

from __future__ import annotations

PROTO2, PROTO4 = b"\x80\x02", b"\x80\x04"


def text(value: str) -> bytes:
    return b"\x8c" + bytes([len(value)]) + value.encode()


def symbol(module: str, name: str) -> bytes:
    """Push a global with STACK_GLOBAL."""
    return text(module) + text(name) + b"\x93"


def line_symbol(module: str, name: str) -> bytes:
    """Push a global with GLOBAL."""
    return f"c{module}\n{name}\n".encode()


def call(module: str, name: str, *arguments: str) -> bytes:
    """Push the result of calling a global with text arguments."""
    return symbol(module, name) + b"(" + b"".join(map(text, arguments)) + b"t" + b"R"


def number(value: int) -> bytes:
    return b"J" + value.to_bytes(4, "little", signed=True)


def blob(data: bytes) -> bytes:
    return b"B" + len(data).to_bytes(4, "little") + data


def dtype(code: str = "f4", order: str = "<") -> bytes:
    tail = b"NNN" + number(-1) + number(-1) + number(0)
    return (
        symbol("numpy", "dtype")
        + text(code)
        + b"\x89\x88\x87R"
        + b"("
        + number(3)
        + text(order)
        + tail
        + b"tb"
    )


def empty_array() -> bytes:
    """Push an ndarray without state."""
    reconstruct = symbol("numpy.core.multiarray", "_reconstruct")
    return reconstruct + symbol("numpy", "ndarray") + number(0) + b"\x85" + b"C\x01b" + b"\x87R"


def array(shape: tuple[int, ...], data: bytes, *, kind: bytes = dtype()) -> bytes:
    extents = b"(" + b"".join(map(number, shape)) + b"t"
    return empty_array() + b"(" + number(1) + extents + kind + b"\x89" + blob(data) + b"tb"


ONE = array((1,), b"\x00\x00\x80?")


def state_dict(**items: bytes) -> bytes:
    return PROTO4 + b"}(" + b"".join(text(name) + value for name, value in items.items()) + b"u."
