"""Convert a network to DOT, the language of Graphviz."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from converters.formats.bounded_io import escape_surrogates
from converters.formats.dataflow import Dataflow, written_names
from converters.formats.graph import AttributeValue, Operator
from converters.formats.inspection import Tensor
from registry.printable import printable

# Families of operators by parts of their names; the first match counts. Colors differ in lightness, too.
_FAMILIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "#2f6fb5": ("conv", "matmul", "gemm", "fc", "mul_weight"),
        "#b5482f": ("calib", "cast", "quantize", "io_copy", "layout"),
        "#c98a1b": ("relu", "swish", "sigmoid", "softmax", "tanh", "gelu", "mish", "clip", "elu", "erf"),
        "#7a4fa3": ("pool", "interp", "resize", "upsample", "reduce", "mean", "arg_max", "argmax", "nms"),
        "#3d8a55": ("add", "sub", "mul", "div", "scale", "norm", "pow", "sqrt", "exp", "sum"),
    }
)
_PLAIN = "#6b7280"  # operators that move or create values
_FAMILY_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "#2f6fb5": "convolution, matrix product",
        "#c98a1b": "activation",
        "#3d8a55": "arithmetic",
        "#7a4fa3": "pooling, resizing, reduction",
        "#b5482f": "change of precision or layout",
        _PLAIN: "movement",
    }
)
_IO_COLOR = "#111827"
# Attributes that are shown under the name of an operator.
_SHOWN = ("strides", "groups", "group", "ksize", "kernel_shape", "axis", "perm", "shape", "act_type")
_LONGEST_SETTING, _LONGEST_TIP = 24, 400


@dataclass(frozen=True)
class DotGraph:
    """A network in DOT with its caption.

    Attributes:
        text: The DOT document.
        caption: Meaning of the colors and number of omitted operators, one sentence each.
    """

    text: str
    caption: tuple[str, ...]


def to_dot(flow: Dataflow, title: str) -> DotGraph:
    """Convert a network to DOT.

    Operators that depend on no input are constants (more than half of the operators that paddle2onnx writes)
    and are omitted.

    Args:
        flow: The network.
        title: Name of the drawing.
    """
    kept = _input_dependent(flow)
    lines = [
        f"digraph {_quoted(title)} {{",
        "  rankdir=TB; nodesep=0.18; ranksep=0.28; bgcolor=white;",
        '  node [shape=box, style="filled,rounded", fontname="Helvetica,Arial,sans-serif", fontsize=11,',
        '        fontcolor=white, color=white, margin="0.14,0.05", height=0.3];',
        '  edge [color="#9ca3af", arrowsize=0.5, penwidth=0.9];',
        *_inputs_and_outputs(flow),
        *(_node(index, flow.operators[index], flow) for index in kept),
        *_edges(flow, kept),
        "}",
    ]
    left_out = len(flow.operators) - len(kept)
    words = [f"{color} {meaning}" for color, meaning in _FAMILY_WORDS.items()]
    caption = [f"{len(kept)} operators."]
    if left_out:
        caption.append(f"{left_out} operators that only create constants are not drawn.")
    return DotGraph("\n".join(lines) + "\n", (*caption, *words))


def _input_dependent(flow: Dataflow) -> list[int]:
    """Indices of the operators that depend on an input; all operators if the network has no inputs."""
    alive = {tensor.name for tensor in flow.inputs}
    kept = []
    for index, operator in enumerate(flow.operators):
        if not flow.inputs or any(name in alive for name in operator.reads):
            kept.append(index)
            alive.update(written_names(operator))
    return kept


def _inputs_and_outputs(flow: Dataflow) -> Iterator[str]:
    for side, tensors in (("in", flow.inputs), ("out", flow.outputs)):
        for index, tensor in enumerate(tensors):
            label = _quoted("\n".join((tensor.name, _extents(tensor))))
            yield f'  {side}{index} [shape=ellipse, fillcolor="{_IO_COLOR}", label={label}, tooltip={label}];'


def _node(index: int, operator: Operator, flow: Dataflow) -> str:
    label = "\n".join((operator.type, *_second_line(operator, flow)))
    tip = _quoted("\n".join(_tip(operator, flow)))
    kernel = operator.kernel
    # An FP32 operator in an FP16 file costs time: its border marks it.
    single = kernel is not None and kernel.precision == "float"
    border = ', color="#111827", penwidth=1.6' if single and _has_half(flow) else ""
    return f'  n{index} [label={_quoted(label)}, fillcolor="{_color(operator.type)}", tooltip={tip}{border}];'


def _has_half(flow: Dataflow) -> bool:
    return any(operator.kernel and operator.kernel.precision == "float16" for operator in flow.operators)


def _second_line(operator: Operator, flow: Dataflow) -> Iterator[str]:
    """The filter of a convolution, or the shape of the output."""
    filters = [
        flow.tensors[name].shape for name in operator.reads if name in flow.parameters & flow.tensors.keys()
    ]
    kernels = [shape for shape in filters if shape and len(shape) == 4]
    if kernels and "conv" in operator.type.lower():
        strides = operator.attributes.get("strides")
        step = f" /{strides[0]}" if isinstance(strides, tuple) and strides and strides[0] != 1 else ""
        out, _, height, width = kernels[0]
        activation = operator.attributes.get("act_type") if operator.attributes.get("with_act") else None
        yield f"{height}×{width}{step} → {out}" + (f" + {activation}" if activation else "")
        return
    for name in written_names(operator):
        tensor = flow.tensors.get(name)
        if tensor is not None and tensor.shape:
            yield _extents(tensor)
            return


def _tip(operator: Operator, flow: Dataflow) -> Iterator[str]:
    yield operator.type
    if operator.kernel:
        yield f"kernel {operator.kernel.target}/{operator.kernel.precision}/{operator.kernel.alias}"
    for label, names in (("reads", operator.reads), ("writes", written_names(operator))):
        for name in names:
            tensor = flow.tensors.get(name)
            known = f" {_extents(tensor)} {tensor.dtype or ''}".rstrip() if tensor else ""
            yield f"{label} {name}{known}"
    for name in _SHOWN:
        if (value := operator.attributes.get(name)) not in (None, "", ()):
            yield f"{name} {_setting(value)}"


def _setting(value: AttributeValue) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return text if len(text) <= _LONGEST_SETTING else text[: _LONGEST_SETTING - 1] + "…"


def _edges(flow: Dataflow, kept: list[int]) -> Iterator[str]:
    """Edges from the last operator that writes a value to the next that reads it; names are reused."""
    writer = {tensor.name: f"in{index}" for index, tensor in enumerate(flow.inputs)}
    for index in kept:
        operator = flow.operators[index]
        for name in dict.fromkeys(operator.reads):
            if name in writer:
                yield f"  {writer[name]} -> n{index} [tooltip={_quoted(name)}];"
        writer.update(dict.fromkeys(written_names(operator), f"n{index}"))
    for index, tensor in enumerate(flow.outputs):
        if tensor.name in writer:
            yield f"  {writer[tensor.name]} -> out{index};"


def _color(kind: str) -> str:
    lowered = kind.lower()
    fitting = (color for color, words in _FAMILIES.items() if any(word in lowered for word in words))
    return next(fitting, _PLAIN)


def _extents(tensor: Tensor) -> str:
    if tensor.shape is None:
        return "shape not recorded"
    return "×".join("?" if extent is None else str(extent) for extent in tensor.shape) or "scalar"


def _quoted(text: str) -> str:
    """Quote a DOT string; names come from untrusted files."""
    lines = (
        printable(escape_surrogates(line)).replace("\\", "\\\\").replace('"', '\\"')
        for line in text.split("\n")
    )
    return '"' + "\\n".join(line[:_LONGEST_TIP].replace("&", "&amp;") for line in lines) + '"'
