"""What to ask pnnx for, and what ncnn cannot hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from converters.inference.options import InferenceOptions
from converters.provenance.statement import conversion_key
from converters.toolchain.pins import NCNN
from registry.errors import UsageError
from registry.schema.base import Model


class NcnnOptions(Model):
    """What to make.

    Attributes:
        weights: How filters and matrices are stored; biases are always single precision. What they are
            computed with, the app that loads the model decides.
        without_argmax: Whether heat maps come without the maxima that the ONNX file hands out beside them:
            ncnn has no arg-max.
    """

    weights: Literal["fp32", "fp16"] = "fp32"
    without_argmax: bool = False


def ncnn_options(precision: str, *, without_argmax: bool = False) -> NcnnOptions:
    """Options of an ncnn model, refused here when the tool could not meet them.

    Args:
        precision: How weights are stored.
        without_argmax: As in ``NcnnOptions``.

    Raises:
        UsageError: ``ncnn-precision-unsupported``.
    """
    if precision in ("fp32", "fp16"):
        weights: Literal["fp32", "fp16"] = "fp16" if precision == "fp16" else "fp32"
        return NcnnOptions(weights=weights, without_argmax=without_argmax)
    raise UsageError(
        "ncnn-precision-unsupported",
        "nothing is quantized on the way to ncnn",
        expected="fp32 or fp16, as weights are stored",
        found=precision,
        done="nothing was converted",
        hint="leave out --precision; ncnn's own ncnn2int8 quantizes what comes out",
    )


def ncnn_key(inputs: Mapping[str, str], options: NcnnOptions) -> str:
    """Name of the conversion of one model with these options, known before it is made.

    Args:
        inputs: ``model`` to its SHA-256.
        options: What to make.
    """
    return conversion_key("ncnn", inputs=inputs, tools={"pnnx": NCNN.version}, options=options.model_dump())


def ncnn_export(
    published: InferenceOptions, *, head: str | None, argmax: bool | None, batch: int | None
) -> dict[str, object]:
    """What an export has to be for ncnn to take it, as changes to the published one.

    ncnn has no suppression of boxes, and no axis for several images: of a detector that suppresses boxes
    itself, the user says what to have instead. Arg-max, which it does not have either, is left out on the
    way: heat maps without their maxima lose nothing.

    Args:
        published: As upstream exports the entry.
        head: What was asked for; None for nothing.
        argmax: Likewise.
        batch: Likewise; 0 is an open batch.

    Raises:
        UsageError: ``ncnn-argmax-unsupported``, ``ncnn-nms-unsupported`` or ``ncnn-batch-unsupported``.
    """
    if argmax:
        raise UsageError(
            "ncnn-argmax-unsupported",
            "ncnn has no arg-max: a model in it hands out heat maps alone",
            expected="--no-argmax",
            found="--argmax",
            done="nothing was converted",
            hint="leave out --argmax, and look for the maxima in the app",
        )
    if (head or published.head) == "nms":
        raise UsageError(
            "ncnn-nms-unsupported",
            "ncnn has no suppression of boxes, which this detector ends with",
            expected="--head raw or --head boxes",
            found="--head nms" if head else "the published head, nms",
            done="nothing was converted",
            hint="add --head raw, and suppress boxes in the app",
        )
    if batch not in (None, 1):
        raise UsageError(
            "ncnn-batch-unsupported",
            "ncnn runs one image at a time: its values have no axis for more",
            expected="--batch 1, or none",
            found=f"--batch {batch}",
            done="nothing was converted",
            hint="leave out --batch",
        )
    return {"batch": 1}
