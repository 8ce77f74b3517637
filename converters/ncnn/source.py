"""Whether an ONNX model can become an ncnn model at all, decided before anything runs.

pnnx converts what ncnn cannot hold too, without a word: the second image of a batch is dropped, an operator
that ncnn lacks becomes a layer that no runtime loads.
"""

from __future__ import annotations

from converters.formats import Inspection, Tensor
from registry.errors import ConversionError

_MISSING = {
    "ArgMax": "--no-argmax leaves it out: look for the maxima in the app",
    "NonMaxSuppression": "export the model without it: zoo convert NAME --to ncnn --head raw",
}
_RANKS = (2, 3, 4, 5)


def kept_outputs(source: Inspection, *, without_argmax: bool) -> tuple[Tensor, ...]:
    """What the ncnn model will hand out: places of maxima are whole numbers, and everything else is not.

    Args:
        source: An ONNX model.
        without_argmax: Whether such places are left out.
    """
    if not without_argmax:
        return source.outputs
    return tuple(end for end in source.outputs if not (end.dtype or "").startswith("int"))


def require_fit(source: Inspection, *, without_argmax: bool) -> None:
    """Pass only what ncnn can hold.

    Args:
        source: An ONNX model.
        without_argmax: Whether places of maxima are left out.

    Raises:
        ConversionError: ``ncnn-operator-missing``, ``ncnn-input-unsupported``, ``ncnn-precision-unsupported``,
            ``ncnn-name-unsupported`` or ``ncnn-argmax-absent``.
    """
    if without_argmax and "ArgMax" not in source.operators:
        raise _refusal(
            "ncnn-argmax-absent",
            f"there is no arg-max in {source.path.name} to leave out",
            "heat maps and their maxima",
            f"outputs {', '.join(end.name for end in source.outputs)}",
            "leave out --no-argmax",
        )
    for operator, hint in _MISSING.items():
        if operator in source.operators and not (operator == "ArgMax" and without_argmax):
            raise _refusal(
                "ncnn-operator-missing",
                f"ncnn has no {operator}, which {source.path.name} computes",
                "operators that ncnn has",
                f"{source.operators[operator]} {operator}",
                hint,
            )
    if source.precision not in ("fp32", None):
        raise _refusal(
            "ncnn-precision-unsupported",
            f"{source.path.name} is not in single precision",
            "an ONNX file in fp32",
            f"{source.precision}",
            "start from the file it was made of; --precision fp16 stores weights in half",
        )
    for tensor in source.inputs:
        _require_one_image(tensor)
    for tensor in (*source.inputs, *source.outputs):
        if tensor.name != "".join(tensor.name.split()):
            raise _refusal(
                "ncnn-name-unsupported",
                f"a value of {source.path.name} has a name that ncnn cannot write",
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
        raise _refusal(
            "ncnn-input-unsupported",
            f"ncnn cannot take the input {tensor.name}",
            "float32, one image or an open batch, all other extents fixed, 2 to 5 axes",
            f"{tensor.dtype} {extents or 'of unknown extents'}",
            "export the model with --batch 1",
        )


def _refusal(code: str, message: str, expected: str, found: str, hint: str) -> ConversionError:
    return ConversionError(
        code, message, expected=expected, found=found, done="nothing was converted", hint=hint
    )
