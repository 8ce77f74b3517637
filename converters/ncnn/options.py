"""Options of ncnn models, and the requests that ncnn does not support."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from converters.inference.options import InferenceOptions
from converters.provenance.statement import conversion_key
from converters.toolchain.pins import NCNN
from registry.errors import UsageError
from registry.schema.base import Model


class NcnnOptions(Model):
    """Options of an ncnn model.

    Attributes:
        weights: Type of stored filters and matrices; biases are always FP32. The app that loads the model
            chooses the arithmetic.
        without_argmax: Whether the maxima of heat maps, a second output of the ONNX file, are removed: ncnn
            has no arg-max.
    """

    weights: Literal["fp32", "fp16"] = "fp32"
    without_argmax: bool = False


def ncnn_options(precision: str, *, without_argmax: bool = False) -> NcnnOptions:
    """Build the options of an ncnn model and reject those that the tool does not support.

    Args:
        precision: Type of stored weights.
        without_argmax: As in ``NcnnOptions``.

    Raises:
        UsageError: ``ncnn-precision-unsupported``.
    """
    if precision in ("fp32", "fp16"):
        weights: Literal["fp32", "fp16"] = "fp16" if precision == "fp16" else "fp32"
        return NcnnOptions(weights=weights, without_argmax=without_argmax)
    raise UsageError(
        "ncnn-precision-unsupported",
        "the conversion to ncnn does not quantize",
        expected="fp32 or fp16, the type of stored weights",
        found=precision,
        done="nothing was converted",
        hint="leave out --precision, and quantize the result with ncnn's own ncnn2int8",
    )


def ncnn_key(inputs: Mapping[str, str], options: NcnnOptions) -> str:
    """Compute the cache key of a conversion with these options, before it runs.

    Args:
        inputs: ``model`` to its SHA-256.
        options: Options of the ncnn model.
    """
    return conversion_key("ncnn", inputs=inputs, tools={"pnnx": NCNN.version}, options=options.model_dump())


def ncnn_export(
    published: InferenceOptions, *, head: str | None, argmax: bool | None, batch: int | None
) -> dict[str, object]:
    """Return the changes that make an export suitable for ncnn, relative to the published one.

    ncnn has no box suppression and no batch axis. For a detector with box suppression, the user must choose
    another head. The arg-max, which ncnn does not have either, is removed during the conversion, because the
    maxima follow from the heat maps.

    Args:
        published: Options of the published model.
        head: Requested head; None if not given.
        argmax: Requested arg-max; None if not given.
        batch: Requested batch; None if not given, 0 for an open batch.

    Raises:
        UsageError: ``ncnn-argmax-unsupported``, ``ncnn-nms-unsupported`` or ``ncnn-batch-unsupported``.
    """
    if argmax:
        raise UsageError(
            "ncnn-argmax-unsupported",
            "ncnn has no arg-max: an ncnn model outputs heat maps only",
            expected="--no-argmax",
            found="--argmax",
            done="nothing was converted",
            hint="leave out --argmax, and compute the maxima in the app",
        )
    if (head or published.head) == "nms":
        raise UsageError(
            "ncnn-nms-unsupported",
            "ncnn has no box suppression, which this detector contains",
            expected="--head raw or --head boxes",
            found="--head nms" if head else "the published head, nms",
            done="nothing was converted",
            hint="add --head raw, and suppress boxes in the app",
        )
    if batch not in (None, 1):
        raise UsageError(
            "ncnn-batch-unsupported",
            "ncnn runs one image at a time: its values have no batch axis",
            expected="--batch 1, or none",
            found=f"--batch {batch}",
            done="nothing was converted",
            hint="leave out --batch",
        )
    return {"batch": 1}
