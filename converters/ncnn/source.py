"""Checks whether ncnn supports an ONNX model, before anything runs.

pnnx silently converts unsupported models too: it drops the second image of a batch, and writes an operator
that ncnn lacks as a layer that no runtime loads.
"""

from __future__ import annotations

from converters.formats import Inspection, Tensor
from registry.errors import ConversionError

_MISSING = {
    "ArgMax": "--no-argmax removes it: compute the maxima in the app",
    "NonMaxSuppression": "export the model without it: zoo convert NAME --to ncnn --head raw",
}
_RANKS = (2, 3, 4, 5)


def kept_outputs(source: Inspection, *, without_argmax: bool) -> tuple[Tensor, ...]:
    """Return the outputs of the ncnn model; the positions of maxima are the outputs with an integer type.

    Args:
        source: An ONNX model.
        without_argmax: Whether the positions of maxima are removed.
    """
    if not without_argmax:
        return source.outputs
    return tuple(tensor for tensor in source.outputs if not (tensor.dtype or "").startswith("int"))


def require_supported(source: Inspection, *, without_argmax: bool) -> None:
    """Reject a model that ncnn does not support.

    Args:
        source: An ONNX model.
        without_argmax: Whether the positions of maxima are removed.

    Raises:
        ConversionError: ``ncnn-operator-missing``, ``ncnn-input-unsupported``,
            ``ncnn-precision-unsupported``, ``ncnn-name-unsupported`` or ``ncnn-argmax-absent``.
    """
    if without_argmax and "ArgMax" not in source.operators:
        raise _unsupported(
            "ncnn-argmax-absent",
            f"{source.path.name} contains no arg-max to remove",
            "heat maps and their maxima",
            f"outputs {', '.join(tensor.name for tensor in source.outputs)}",
            "leave out --no-argmax",
        )
    for operator, hint in _MISSING.items():
        if operator in source.operators and not (operator == "ArgMax" and without_argmax):
            raise _unsupported(
                "ncnn-operator-missing",
                f"ncnn has no {operator}, which {source.path.name} computes",
                "operators that ncnn has",
                f"{source.operators[operator]} {operator}",
                hint,
            )
    if source.precision not in ("fp32", None):
        raise _unsupported(
            "ncnn-precision-unsupported",
            f"{source.path.name} is not an FP32 model",
            "an ONNX file in fp32",
            f"{source.precision}",
            "start from the FP32 file; --precision fp16 stores weights as FP16",
        )
    for tensor in source.inputs:
        _require_one_image(tensor)
    for tensor in (*source.inputs, *source.outputs):
        if tensor.name != "".join(tensor.name.split()):
            raise _unsupported(
                "ncnn-name-unsupported",
                f"a value of {source.path.name} has a name that ncnn does not support",
                "a name without white space",
                repr(tensor.name),
                "export the model with other names",
            )


def _require_one_image(tensor: Tensor) -> None:
    shape = tensor.shape
    fits = (
        tensor.dtype == "float32"
        and shape is not None
        and len(shape) in _RANKS
        and shape[0] in (1, None)
        and None not in shape[1:]
    )
    if not fits:
        extents = " x ".join("open" if extent is None else str(extent) for extent in shape or ())
        raise _unsupported(
            "ncnn-input-unsupported",
            f"ncnn does not support the input {tensor.name}",
            "float32, one image or an open batch, all other extents fixed, 2 to 5 axes",
            f"{tensor.dtype} {extents or 'of unknown extents'}",
            "export the model with --batch 1",
        )


def _unsupported(code: str, message: str, expected: str, found: str, hint: str) -> ConversionError:
    return ConversionError(
        code, message, expected=expected, found=found, done="nothing was converted", hint=hint
    )
