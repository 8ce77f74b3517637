"""Spells interpolation in the first version of its operator, where kernels for x86 of the second fail.

2.9.1 has none. Those of 2.10 take the first of two scales for both axes. In both, bilinear interpolation with
``align_mode`` 1 and corners that are not aligned reads beyond its input in most sizes.

Both versions of the operator compute the same from sizes. From a scale the first takes source coordinates as
input size / output size and the second as 1 / scale, which is one number exactly when the scale turns the
size of the input into a whole number. The first has one scale for both axes.

The operators: https://github.com/PaddlePaddle/Paddle/blob/v2.1.2/paddle/fluid/operators/interpolate_op.h and
``interpolate_v2_op.h`` beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

from converters.formats.graph import AttributeValue, Block, Operator
from converters.lite.rewriting import Edit, Rule
from registry.errors import ConversionError

_FIRST = {"nearest_interp_v2": "nearest_interp", "bilinear_interp_v2": "bilinear_interp"}


def needs_first_version(version: str, family: str) -> bool:
    """Whether a version of Paddle-Lite cannot be trusted with the second version of interpolation.

    Args:
        version: The version.
        family: Processor the file is for.
    """
    return version in ("2.9.1", "2.10") and family == "x86"


def as_first_version(version: str) -> Rule:
    """The rule that turns interpolations of the second version into the first where they would fail.

    It raises a ConversionError, ``lite-interpolation-unsupported``, for what the first cannot compute either.

    Args:
        version: The version of Paddle-Lite.
    """

    def rule(operator: Operator, block: Block) -> Edit | None:
        if operator.type not in _FIRST:
            return None
        try:
            return _edit(operator, block, version)
        except _ImpossibleError as error:
            raise _refusal(operator, version, error) from None

    return rule


class _ImpossibleError(Exception):
    """What would have been possible, and what was asked for."""

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(expected)
        self.expected, self.found = expected, found


def _edit(operator: Operator, block: Block, version: str) -> Edit | None:
    aligned = operator.attributes.get("align_corners")
    if operator.type.startswith("bilinear") and operator.attributes.get("align_mode") == 1 and not aligned:
        raise _ImpossibleError("align_mode 0, or align_corners", "align_mode 1")
    if version == "2.10" and len(set(_reals(operator.attributes.get("scale")))) < 2:
        return None
    kind, size = _FIRST[operator.type], _size(operator, block)
    return Edit(
        what=f"{operator.type} spelled as {kind}",
        type=kind,
        attributes={"scale": size.scale, "out_h": size.height, "out_w": size.width},
    )


@dataclass(frozen=True)
class _Size:
    """Size of the output as the first version takes it: fixed, by a scale, or (neither) by a tensor."""

    height: int = -1
    width: int = -1
    scale: float | None = None


def _size(operator: Operator, block: Block) -> _Size:
    attributes = operator.attributes
    scale = _reals(attributes.get("scale"))
    given = {name for name in ("SizeTensor", "OutSize", "Scale") if operator.inputs.get(name)}
    if attributes.get("data_layout", "NCHW") == "NHWC":
        raise _ImpossibleError("channels before rows", "rows before channels (NHWC)")
    if "Scale" in given or (given and scale):
        raise _ImpossibleError("a scale known before it runs", f"{' and '.join(sorted(given))} as input")
    if given:
        return _Size()
    if scale:
        return _scaled(operator, block, scale)
    height, width = attributes.get("out_h"), attributes.get("out_w")
    if isinstance(height, int) and isinstance(width, int) and height > 0 and width > 0:
        return _Size(height, width)
    raise _ImpossibleError("a size or a scale", "neither")


def _scaled(operator: Operator, block: Block, scale: tuple[float, ...]) -> _Size:
    if len(scale) != 2:
        raise _ImpossibleError("a scale for each of two axes", f"{len(scale)} scales")
    variable = block.variables.get("".join(operator.inputs.get("X", ())))
    extents = (variable.dims or ())[2:] if variable else ()
    known = len(extents) == 2 and min(extents) > 0
    if not operator.attributes.get("align_corners"):
        # An open extent may turn out to be anything, a whole scale suits it nevertheless.
        whole = [one * extent for one, extent in zip(scale, extents if known else (1, 1), strict=True)]
        if not all(each.is_integer() for each in whole):
            raise _ImpossibleError("scales that lead to whole sizes", _found(scale, extents if known else ()))
    if scale[0] == scale[1]:
        return _Size(scale=scale[0])
    if known:
        return _Size(int(extents[0] * scale[0]), int(extents[1] * scale[1]))
    raise _ImpossibleError("one scale for both axes, or an input of fixed size", _found(scale, ()))


def _found(scale: tuple[float, ...], extents: tuple[int, ...]) -> str:
    size = " x ".join(str(extent) for extent in extents) or "an open size"
    return f"{' x '.join(f'{one:g}' for one in scale)} of {size}"


def _reals(value: AttributeValue) -> tuple[float, ...]:
    values = value if isinstance(value, tuple) else (value,)
    return tuple(float(each) for each in values if isinstance(each, int | float))


def _refusal(operator: Operator, version: str, error: _ImpossibleError) -> ConversionError:
    return ConversionError(
        "lite-interpolation-unsupported",
        f"paddlelite {version} for x86 cannot compute the {operator.type} "
        f"that writes {''.join(operator.outputs.get('Out', ()))}",
        expected=error.expected,
        found=error.found,
        done="nothing was converted",
        hint="check with the twin of a later version: --lite-version 2.11",
    )
