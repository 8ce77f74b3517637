"""What an exported graph must look like from outside: names, shapes and types of inputs and outputs."""

from __future__ import annotations

from converters.formats.inspection import Inspection, Tensor
from converters.inference.options import InferenceOptions, not_modeled
from registry.errors import ConversionError
from registry.schema.base import Model
from registry.schema.entry import Entry
from registry.schema.io import DetectionOutput, HeatmapOutput

ROW = 6
"""Numbers a suppressed box is made of: class, score, x1, y1, x2, y2."""


class Contract(Model):
    """Inputs and outputs, in order."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


def contract_of(entry: Entry, options: InferenceOptions) -> Contract:
    """What the options promise for an entry.

    Raises:
        NotFoundError: ``architecture-unsupported``.
    """
    image = Tensor(
        name=entry.input.name,
        shape=(options.batch, 3, entry.input.height, entry.input.width),
        dtype="float32",
    )
    if isinstance(entry.output, HeatmapOutput):
        return Contract(inputs=(image,), outputs=_pose_outputs(entry, entry.output, options))
    if not isinstance(entry.output, DetectionOutput):
        raise not_modeled(entry)
    if options.head == "raw":
        return Contract(inputs=(image,), outputs=_raw_outputs(entry, entry.output))
    if options.head == "boxes":
        return Contract(inputs=(image,), outputs=_box_outputs(entry, entry.output, options))
    scale_factor = Tensor(name="scale_factor", shape=(options.batch, 2), dtype="float32")
    boxes = Tensor(name="boxes", shape=(None, ROW), dtype="float32")
    counts = Tensor(name="box_counts", shape=(None,), dtype="int32")
    return Contract(inputs=(image, scale_factor), outputs=(boxes, counts))


def require_contract(contract: Contract, inspection: Inspection) -> None:
    """Pass only when a file has exactly the inputs and outputs it should have.

    Raises:
        ConversionError: ``output-mismatch``.
    """
    found = Contract(inputs=inspection.inputs, outputs=inspection.outputs)
    if found != contract:
        raise ConversionError(
            "output-mismatch",
            f"paddle wrote another model than was asked for: {inspection.path}",
            expected=_words(contract),
            found=_words(found),
            done="it was not handed out",
            hint="try paddlepaddle 3.2.2, which zoo was tried with: zoo doctor shows what is used",
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
    """Cells of each level by its stride; a level's sides are rounded up."""
    height, width = entry.input.height, entry.input.width
    return {stride: -(-height // stride) * -(-width // stride) for stride in output.strides}


def _words(contract: Contract) -> str:
    inputs, outputs = (", ".join(map(_word, side)) for side in (contract.inputs, contract.outputs))
    return f"{inputs} -> {outputs}"


def _word(tensor: Tensor) -> str:
    extents = "x".join("?" if extent is None else str(extent) for extent in tensor.shape or ())
    return f"{tensor.name} {extents} {tensor.dtype}"
