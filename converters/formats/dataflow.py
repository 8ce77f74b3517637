"""The graph of a model as operators and values, in one form for every format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from converters.formats.graph import FEED, FETCH, Block, Operator, Variable, as_tensor
from converters.formats.inspection import Normalization, Tensor

# Operators that move or retype an image without arithmetic, including those that converters insert.
_DATA_MOVEMENT = frozenset(
    {
        "assign",
        "calib",
        "calib_once",
        "cast",
        "Cast",
        "identity",
        "Identity",
        "io_copy",
        "io_copy_once",
        "layout",
        "layout_once",
        "reshape",
        "reshape2",
        "Reshape",
        "transpose",
        "transpose2",
        "Transpose",
        "share_data",
        "share_data_",
        "memcpy_h2d",
        "squeeze2",
        "unsqueeze2",
        "Interp",
        "Permute",
        "Split",
        "nearest_interp_v2",
        "bilinear_interp_v2",
        "Resize",
        "QuantizeLinear",
        "DequantizeLinear",
    }
)
# Operators that apply the mean, deviation and scale of an image.
_ARITHMETIC = frozenset(
    {
        "scale",
        "elementwise_add",
        "elementwise_sub",
        "elementwise_mul",
        "elementwise_div",
        "batch_norm",
        "add",
        "subtract",
        "multiply",
        "divide",
        "add_",
        "subtract_",
        "multiply_",
        "divide_",
        "scale_",
        "batch_norm_",
        "Add",
        "Sub",
        "Mul",
        "Div",
        "BatchNormalization",
        "BatchNorm",
        "Bias",
        "Scale",
    }
)
_COLORS = 3


@dataclass(frozen=True, slots=True)
class Dataflow:
    """Operators of a model and the values between them.

    Attributes:
        operators: Operators in file order, without feed and fetch.
        inputs: Inputs of the model.
        outputs: Outputs of the model.
        tensors: Extents and element type of values and parameters, by name.
        parameters: Names of the stored values.
    """

    operators: tuple[Operator, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    tensors: Mapping[str, Tensor] = field(default_factory=lambda: MappingProxyType({}))
    parameters: frozenset[str] = frozenset()


def dataflow_from_blocks(
    blocks: Iterable[Block], inputs: Iterable[Variable], outputs: Iterable[Variable]
) -> Dataflow:
    """Build the graph of a legacy program or a Lite model, without feed and fetch."""
    blocks = tuple(blocks)
    variables = {name: variable for block in blocks for name, variable in block.variables.items()}
    operators = tuple(op for block in blocks for op in block.operators if op.type not in (FEED, FETCH))
    written = Counter(name for operator in operators for name in written_names(operator))
    return Dataflow(
        operators=operators,
        inputs=tuple(map(as_tensor, inputs)),
        outputs=tuple(map(as_tensor, outputs)),
        # Values that reuse a name share memory; the file records the extents of only one of them.
        tensors={name: as_tensor(item) for name, item in variables.items() if written[name] <= 1},
        parameters=frozenset(name for name, variable in variables.items() if variable.persistable),
    )


def detect_normalization(flow: Dataflow) -> Normalization | None:
    """Return whether the graph applies mean and deviation to an image.

    The operators between a three-channel input and the first convolution decide: arithmetic there is
    normalization; only data movement there means that the host normalizes.

    Returns:
        None where no input is an image, or where another operator than a convolution comes first.
    """
    images = [tensor.name for tensor in flow.inputs if _is_image(tensor)]
    found = {_classify_first_operator(flow, name) for name in images} - {None}
    return next(iter(found)) if len(found) == 1 else None


def count_fused_operators(operators: Iterable[Operator]) -> dict[str, int]:
    """Count the fusions that a converter made, as far as the file shows them.

    An activation is named in the attributes of the operator it was fused into. A batch norm leaves its
    bias: opt folds the rest into the filter and keeps the name, so only filters whose bias is named after
    a batch norm are counted. Other fusions leave no trace.
    """
    counts = Counter(
        " + ".join([operator.type, *parts]) for operator in operators if (parts := [*_fused_parts(operator)])
    )
    return dict(sorted(counts.items()))


def _fused_parts(operator: Operator) -> Iterator[str]:
    bias = operator.inputs.get("Bias", ())
    if "conv" in operator.type and any("batch_norm" in name for name in bias):
        yield "batch_norm"
    activation = operator.attributes.get("act_type") or operator.attributes.get("activation_type")
    if operator.attributes.get("with_act") and isinstance(activation, str):
        yield activation
    elif operator.attributes.get("fuse_relu"):
        yield "relu"
    if operator.type.startswith("fusion_elementwise_") and isinstance(activation, str) and activation:
        yield activation


def _is_image(tensor: Tensor) -> bool:
    shape = tensor.shape
    return shape is not None and len(shape) == 4 and _COLORS in (shape[1], shape[3])


def _classify_first_operator(flow: Dataflow, name: str) -> Normalization | None:
    # opt reuses the name of a dead value, so operators are visited in order.
    pixels = {name}
    for operator in flow.operators:
        written = set(written_names(operator))
        if not pixels.isdisjoint(operator.reads):
            if operator.type in _ARITHMETIC:
                return "in_graph"
            if "conv" in operator.type.lower():
                return "host"
            if operator.type in _DATA_MOVEMENT:
                pixels |= written
                continue
        pixels -= written
    return None


def written_names(operator: Operator) -> Iterator[str]:
    """Yield the names of all values that an operator computes."""
    return (name for bound in operator.outputs.values() for name in bound)
