"""Rewrites interpolation to version 1 of its operator, where the x86 kernels of version 2 fail.

Paddle-Lite 2.9.1 has no x86 kernels of version 2. Those of 2.10 use the first of two scales for both axes. In
both, bilinear interpolation with ``align_mode`` 1 and unaligned corners reads past its input at most sizes.

Both versions compute the same result from sizes. From a scale, version 1 computes source coordinates with
input size / output size, and version 2 with 1 / scale. The two factors are equal exactly when input size
times scale is a whole number. Version 1 has one scale for both axes.

The operators: https://github.com/PaddlePaddle/Paddle/blob/v2.1.2/paddle/fluid/operators/interpolate_op.h and
``interpolate_v2_op.h`` in the same folder.
"""

from __future__ import annotations

from dataclasses import dataclass

from converters.formats.graph import AttributeValue, Block, Operator
from converters.lite.rewriting import Edit, Rule
from registry.errors import ConversionError

_FIRST = {"nearest_interp_v2": "nearest_interp", "bilinear_interp_v2": "bilinear_interp"}


def needs_v1_interpolation(version: str, family: str) -> bool:
    """Tell whether a version of Paddle-Lite has wrong or no kernels for interpolation of version 2.

    Args:
        version: Version of Paddle-Lite.
        family: Processor of the Lite file.
    """
    return version in ("2.9.1", "2.10") and family == "x86"


def to_v1_interpolation(version: str) -> Rule:
    """Return the rule that rewrites interpolations to version 1 where version 2 would fail.

    The rule raises a ConversionError, ``lite-interpolation-unsupported``, for operators that version 1 cannot
    compute either.

    Args:
        version: Version of Paddle-Lite.
    """

    def rule(operator: Operator, block: Block) -> Edit | None:
        if operator.type not in _FIRST:
            return None
        try:
            return _edit(operator, block, version)
        except _UnsupportedError as error:
            raise _interpolation_unsupported(operator, version, error) from None

    return rule


class _UnsupportedError(Exception):
    """Version 1 cannot compute the operator: the supported and the found property."""

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(expected)
        self.expected, self.found = expected, found


def _edit(operator: Operator, block: Block, version: str) -> Edit | None:
    aligned = operator.attributes.get("align_corners")
    if operator.type.startswith("bilinear") and operator.attributes.get("align_mode") == 1 and not aligned:
        raise _UnsupportedError("align_mode 0, or align_corners", "align_mode 1")
    if version == "2.10" and len(set(_as_floats(operator.attributes.get("scale")))) < 2:
        return None
    kind, size = _FIRST[operator.type], _size(operator, block)
    return Edit(
        what=f"{operator.type} rewritten as {kind}",
        type=kind,
        attributes={"scale": size.scale, "out_h": size.height, "out_w": size.width},
    )


@dataclass(frozen=True)
class _Size:
    """Output size in the attributes of version 1: fixed, by a scale, or (neither) by a tensor."""

    height: int = -1
    width: int = -1
    scale: float | None = None


def _size(operator: Operator, block: Block) -> _Size:
    attributes = operator.attributes
    scale = _as_floats(attributes.get("scale"))
    given = {name for name in ("SizeTensor", "OutSize", "Scale") if operator.inputs.get(name)}
    if attributes.get("data_layout", "NCHW") == "NHWC":
        raise _UnsupportedError("channels before rows", "rows before channels (NHWC)")
    if "Scale" in given or (given and scale):
        raise _UnsupportedError("a constant scale", f"{' and '.join(sorted(given))} as input")
    if given:
        return _Size()
    if scale:
        return _size_from_scale(operator, block, scale)
    height, width = attributes.get("out_h"), attributes.get("out_w")
    if isinstance(height, int) and isinstance(width, int) and height > 0 and width > 0:
        return _Size(height, width)
    raise _UnsupportedError("a size or a scale", "neither")


def _size_from_scale(operator: Operator, block: Block, scale: tuple[float, ...]) -> _Size:
    if len(scale) != 2:
        raise _UnsupportedError("one scale for each of two axes", f"{len(scale)} scales")
    variable = block.variables.get("".join(operator.inputs.get("X", ())))
    extents = (variable.dims or ())[2:] if variable else ()
    known = len(extents) == 2 and min(extents) > 0
    if not operator.attributes.get("align_corners"):
        # A whole scale gives a whole size for every value of an open extent.
        sizes = [factor * extent for factor, extent in zip(scale, extents if known else (1, 1), strict=True)]
        if not all(size.is_integer() for size in sizes):
            raise _UnsupportedError(
                "scales that give whole sizes", _describe(scale, extents if known else ())
            )
    if scale[0] == scale[1]:
        return _Size(scale=scale[0])
    if known:
        return _Size(int(extents[0] * scale[0]), int(extents[1] * scale[1]))
    raise _UnsupportedError("one scale for both axes, or an input of fixed size", _describe(scale, ()))


def _describe(scale: tuple[float, ...], extents: tuple[int, ...]) -> str:
    size = " x ".join(str(extent) for extent in extents) or "an open size"
    return f"{' x '.join(f'{factor:g}' for factor in scale)} of {size}"


def _as_floats(value: AttributeValue) -> tuple[float, ...]:
    values = value if isinstance(value, tuple) else (value,)
    return tuple(float(each) for each in values if isinstance(each, int | float))


def _interpolation_unsupported(operator: Operator, version: str, error: _UnsupportedError) -> ConversionError:
    return ConversionError(
        "lite-interpolation-unsupported",
        f"paddlelite {version} for x86 cannot compute the {operator.type} "
        f"that writes {''.join(operator.outputs.get('Out', ()))}",
        expected=error.expected,
        found=error.found,
        done="nothing was converted",
        hint="check with an x86 file of a later version: --lite-version 2.11",
    )
