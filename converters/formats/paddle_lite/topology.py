"""Reader of the graph in a Lite model: a FlatBuffers ProgramDesc with the kernel of every operator.

The slots below are the field positions of Paddle-Lite's ``framework.fbs``; the enumerations behind the kernel
string are those of its ``lite/api/paddle_place.h``, in the spelling of ``paddle_place.cc``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from converters.formats.dtypes import PADDLE_CONTAINERS, PADDLE_DTYPES
from converters.formats.errors import FormatErrors
from converters.formats.graph import MAX_ENTRIES, MAX_RANK, AttributeValue, Block, Kernel, Operator, Variable
from converters.formats.wire.flatbuffer import FlatBuffer, Table

KERNEL_ATTRIBUTE = "__@kernel_type_attr@__"

_LOD_TENSOR = 7

_TARGETS = (
    "unk",
    "host",
    "x86",
    "cuda",
    "arm",
    "opencl",
    "any",
    "fpga",
    "npu",
    "xpu",
    "bm",
    "mlu",
    "rknpu",
    "apu",
    "huawei_ascend_npu",
    "imagination_nna",
    "intel_fpga",
    "metal",
    "nnadapter",
)
_PRECISIONS = (
    "unk",
    "float",
    "int8_t",
    "int32_t",
    "any",
    "float16",
    "bool",
    "int64_t",
    "int16_t",
    "uint8_t",
    "double",
)
_LAYOUTS = (
    "unk",
    "NCHW",
    "any",
    "NHWC",
    "ImageDefault",
    "ImageFolder",
    "ImageNW",
    "MetalTexture2DArray",
    "MetalTexture2D",
)

_KERNEL = re.compile(
    r"(?P<op>[^/]+)/(?P<alias>[^/]+)/(?P<target>\d{1,3})/(?P<precision>\d{1,3})/(?P<layout>\d{1,3})"
)


def read_topology(buffer: FlatBuffer) -> tuple[Block, ...]:
    """Decode the ProgramDesc.

    Raises:
        IntegrityError: ``nb-corrupt``; the message gives the first invalid byte.
    """
    root = buffer.root()
    blocks = tuple(_block(table, buffer.errors) for table in root.tables(0))
    if not blocks or not blocks[0].operators:
        raise buffer.errors.corrupt(root.position, "a program with at least one operator", "none")
    return blocks


def _block(table: Table, errors: FormatErrors) -> Block:
    variables: dict[str, Variable] = {}
    for entry in table.tables(2):
        variable = _variable(entry, errors)
        variables[variable.name] = variable
        if len(variables) > MAX_ENTRIES:
            raise errors.too_large(f"at most {MAX_ENTRIES} variables", "more")
    operators: list[Operator] = []
    for entry in table.tables(3):
        operators.append(_operator(entry, errors))
        if len(operators) > MAX_ENTRIES:
            raise errors.too_large(f"at most {MAX_ENTRIES} operators", "more")
    return Block(table.i32(0), table.i32(1), MappingProxyType(variables), tuple(operators))


def _variable(table: Table, errors: FormatErrors) -> Variable:
    name = table.required_string(0, "the name of a variable")
    kind = table.table(1)
    if kind is None:
        raise errors.corrupt(table.position, f"a type for the variable {name!r}", "none")
    code = kind.i32(0)
    holder = kind.table(2)
    tensor = holder.table(0) if holder is not None and code == _LOD_TENSOR else None
    dtype: str | None = None
    dims: tuple[int, ...] | None = None
    if tensor is not None:
        dtype = PADDLE_DTYPES.get(tensor.i32(0))
        # opt drops the extents of renamed tensors; a scalar looks the same in the file.
        dims = tensor.numbers(1, "q") or None
        if dims and (min(dims) < -1 or len(dims) > MAX_RANK):
            raise errors.corrupt(
                tensor.position, f"at most {MAX_RANK} extents of at least -1", str(dims[:MAX_RANK])
            )
    return Variable(name, PADDLE_CONTAINERS.get(code, f"type {code}"), dtype, dims, persistable=table.bool(2))


def _operator(table: Table, errors: FormatErrors) -> Operator:
    kind = table.required_string(0, "the type of an operator")
    attributes = {
        entry.required_string(0, "the name of an attribute"): _attribute(entry) for entry in table.tables(3)
    }
    return Operator(
        type=kind,
        inputs=_bindings(table, 1),
        outputs=_bindings(table, 2),
        attributes=MappingProxyType(attributes),
        kernel=_kernel(attributes.get(KERNEL_ATTRIBUTE), table.position, errors),
    )


def _bindings(table: Table, slot: int) -> Mapping[str, tuple[str, ...]]:
    bound = {
        entry.required_string(0, "the name of a binding"): entry.strings(1) for entry in table.tables(slot)
    }
    return MappingProxyType(bound)


# Decoder of the value by AttrType of framework.fbs; each type has its own slot.
_ATTRIBUTES: Mapping[int, Callable[[Table], AttributeValue]] = MappingProxyType(
    {
        0: lambda entry: entry.i32(2),
        1: lambda entry: entry.f32(3),
        2: lambda entry: entry.string(4),
        3: lambda entry: entry.numbers(5, "i"),
        4: lambda entry: entry.numbers(6, "f"),
        5: lambda entry: entry.strings(7),
        6: lambda entry: entry.bool(8),
        7: lambda entry: entry.numbers(9, "?"),
        8: lambda entry: entry.i32(10),
        9: lambda entry: entry.i64(11),
        10: lambda entry: entry.numbers(12, "i"),
        11: lambda entry: entry.numbers(13, "q"),
    }
)


def _attribute(entry: Table) -> AttributeValue:
    decode = _ATTRIBUTES.get(entry.i32(1))
    return None if decode is None else decode(entry)


def _kernel(text: AttributeValue, at: int, errors: FormatErrors) -> Kernel | None:
    if text is None:
        return None
    match = _KERNEL.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise errors.corrupt(at, "a kernel in the form op/alias/target/precision/layout", ascii(text)[:80])
    return Kernel(
        alias=match["alias"],
        target=_enumerator_name(_TARGETS, match["target"]),
        precision=_enumerator_name(_PRECISIONS, match["precision"]),
        layout=_enumerator_name(_LAYOUTS, match["layout"]),
    )


def _enumerator_name(names: Sequence[str], code: str) -> str:
    """Return the name of an enumerator; later Paddle-Lite versions can add some."""
    return names[int(code)] if int(code) < len(names) else f"unknown-{int(code)}"
