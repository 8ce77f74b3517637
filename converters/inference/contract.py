"""The required interface of an exported graph: names, shapes and types of inputs and outputs."""

from __future__ import annotations

from converters.formats.inspection import Inspection, Tensor
from converters.inference.options import InferenceOptions
from registry.errors import ConversionError
from registry.schema.base import Model
from registry.schema.entry import Entry
from registry.schema.io import CoordinatesOutput, DetectionOutput, HeatmapOutput

ROW = 6
"""Values per box after suppression: class, score, x1, y1, x2, y2."""


class Contract(Model):
    """Inputs and outputs of a graph, in order."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


def contract_of(entry: Entry, options: InferenceOptions) -> Contract:
    """Return the interface that the options require for an entry."""
    image = Tensor(
        name=entry.input.name,
        shape=(options.batch, 3, entry.input.height, entry.input.width),
        dtype="float32",
    )
    if isinstance(entry.output, HeatmapOutput):
        return Contract(inputs=(image,), outputs=_pose_outputs(entry, entry.output, options))
    if isinstance(entry.output, CoordinatesOutput):
        shape = (options.batch, entry.output.joints, entry.output.dimensions)
        return Contract(inputs=(image,), outputs=(Tensor(name="joints", shape=shape, dtype="float32"),))
    if options.head == "raw":
        return Contract(inputs=(image,), outputs=_raw_outputs(entry, entry.output))
    if options.head == "boxes":
        return Contract(inputs=(image,), outputs=_box_outputs(entry, entry.output, options))
    scale_factor = Tensor(name="scale_factor", shape=(options.batch, 2), dtype="float32")
    boxes = Tensor(name="boxes", shape=(None, ROW), dtype="float32")
    counts = Tensor(name="box_counts", shape=(None,), dtype="int32")
    return Contract(inputs=(image, scale_factor), outputs=(boxes, counts))


def require_contract(contract: Contract, inspection: Inspection) -> None:
    """Reject a file whose inputs or outputs differ from the contract.

    Raises:
        ConversionError: ``output-mismatch``.
    """
    found = Contract(inputs=inspection.inputs, outputs=inspection.outputs)
    if found != contract:
        raise ConversionError(
            "output-mismatch",
            f"the model written by paddle does not match the requested options: {inspection.path}",
            expected=_describe(contract),
            found=_describe(found),
            done="the output was discarded",
            hint="use paddlepaddle 3.2.2, with which zoo is tested: zoo doctor shows the version in use",
        )


def _pose_outputs(entry: Entry, output: HeatmapOutput, options: InferenceOptions) -> tuple[Tensor, ...]:
    joints = len(output.joints)
    rows, columns = entry.input.height // output.stride, entry.input.width // output.stride
    heatmaps = Tensor(name="heatmaps", shape=(options.batch, joints, rows, columns), dtype="float32")
    if not options.argmax:
        return (heatmaps,)
    return (heatmaps, Tensor(name="argmax", shape=(options.batch, joints), dtype="int64"))


def _raw_outputs(entry: Entry, output: DetectionOutput) -> tuple[Tensor, ...]:
    cells = _cells(entry, output)
    widths = {"scores": len(output.classes), "distances": 4 * (output.reg_max + 1)}
    return tuple(
        Tensor(name=f"{name}_{stride}", shape=(1, count, width), dtype="float32")
        for name, width in widths.items()
        for stride, count in cells.items()
    )


def _box_outputs(entry: Entry, output: DetectionOutput, options: InferenceOptions) -> tuple[Tensor, ...]:
    cells = sum(_cells(entry, output).values())
    return (
        Tensor(name="boxes", shape=(options.batch, cells, 4), dtype="float32"),
        Tensor(name="scores", shape=(options.batch, len(output.classes), cells), dtype="float32"),
    )


def _cells(entry: Entry, output: DetectionOutput) -> dict[int, int]:
    """Return the number of cells of each level by its stride; the sides of a level are rounded up."""
    height, width = entry.input.height, entry.input.width
    return {stride: -(-height // stride) * -(-width // stride) for stride in output.strides}


def _describe(contract: Contract) -> str:
    inputs, outputs = (", ".join(map(_describe_tensor, side)) for side in (contract.inputs, contract.outputs))
    return f"{inputs} -> {outputs}"


def _describe_tensor(tensor: Tensor) -> str:
    extents = "x".join("?" if extent is None else str(extent) for extent in tensor.shape or ())
    return f"{tensor.name} {extents} {tensor.dtype}"
