"""Build plausible inputs for an inference model whose task is unknown."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from converters.formats import Tensor
from registry.errors import UsageError

if TYPE_CHECKING:
    from zoo._utils.arrays import Array

Shapes = Mapping[str, tuple[int | None, ...]]
"""Input name to its dimensions, for one run; None for an unknown dimension."""

_DIMENSION = re.compile(r"[1-9][0-9]{0,8}")


_BATCHES = (1, 2)  # a dynamic batch dimension is tested with both

_SIZE_WORDS = ("shape", "size", "im_info", "height", "width", "hw", "wh")
_MOST_PARAMETERS = 4  # values per image; a small input next to an image describes the image


def parse_shapes(texts: Sequence[str]) -> tuple[Shapes, ...]:
    """Parse runs from texts of the form ``NAME=1,3,48,320``; a repeated name starts the next run.

    Raises:
        UsageError: ``shape-unreadable``.
    """
    runs: list[dict[str, tuple[int | None, ...]]] = []
    for text in texts:
        name, mark, numbers = text.rpartition("=")
        parts = numbers.split(",")
        if not mark or not name or not all(_DIMENSION.fullmatch(part.strip()) for part in parts):
            raise UsageError(
                "shape-unreadable",
                f"--shape {text} is not a valid shape",
                expected="the name of an input and its dimensions",
                found=text,
                hint="--shape x=1,3,48,320",
            )
        if not runs or name in runs[-1]:
            runs.append({})
        runs[-1][name] = tuple(map(int, parts))
    return tuple(runs)


def default_shapes(inputs: Sequence[Tensor]) -> list[Shapes]:
    """Select the shapes of runs for dynamic batch dimensions.

    Other dynamic dimensions are not guessed: they stay None, and :func:`build_feeds` refuses them.
    """
    dynamic = any(tensor.shape and tensor.shape[0] is None for tensor in inputs)
    return [_with_batch(inputs, batch) for batch in (_BATCHES if dynamic else _BATCHES[:1])]


def _with_batch(inputs: Sequence[Tensor], batch: int) -> Shapes:
    shapes = {tensor.name: tensor.shape for tensor in inputs if tensor.shape is not None}
    return {name: (batch, *shape[1:]) if shape[:1] == (None,) else shape for name, shape in shapes.items()}


def build_feeds(inputs: Sequence[Tensor], shapes: Shapes) -> dict[str, Array]:
    """Build the inputs of one run.

    Data is standard normal noise. A small input next to an image is a parameter of the image, so it is 1 (a
    scale), or the height and width of the image if its name says so. Integers are 1: the only value that is
    valid both as an index and as a size.

    Args:
        inputs: Inputs of the model.
        shapes: Their dimensions, by name; inputs with fixed dimensions may be omitted.

    Raises:
        UsageError: ``shape-needed`` or ``shape-unsupported``.
    """
    import numpy as np

    if unknown := sorted(shapes.keys() - {tensor.name for tensor in inputs}):
        raise UsageError(
            "shape-unsupported",
            f"the model has no input {unknown[0]!r}",
            expected=", ".join(tensor.name for tensor in inputs),
            found=unknown[0],
            hint=f"--shape {inputs[0].name}=…" if inputs else "repeat without --shape",
        )
    resolved = {
        tensor.name: _resolve_shape(tensor, shapes.get(tensor.name, tensor.shape or ())) for tensor in inputs
    }
    size = _image_size(inputs, resolved)
    random = np.random.default_rng(0)
    feeds: dict[str, Array] = {}
    for tensor in inputs:
        shape, dtype = resolved[tensor.name], tensor.dtype or "float32"
        if size is not None and _is_parameter(tensor, shape):
            values = _parameter(tensor.name, shape, size)
        elif dtype.startswith(("int", "uint", "bool")):
            values = np.ones(shape)
        else:
            values = random.standard_normal(shape)
        feeds[tensor.name] = values.astype(dtype)
    return feeds


def _image_size(inputs: Sequence[Tensor], shapes: Mapping[str, tuple[int, ...]]) -> tuple[int, int] | None:
    """Height and width of the first input that looks like an image, in either layout."""
    for tensor in inputs:
        shape = shapes[tensor.name]
        if len(shape) == 4 and not (tensor.dtype or "float32").startswith(("int64", "int32", "bool")):
            return (shape[1], shape[2]) if shape[3] in (1, 3) and shape[1] > 4 else (shape[2], shape[3])
    return None


def _is_parameter(tensor: Tensor, shape: tuple[int, ...]) -> bool:
    per_image = 1
    for extent in shape[1:]:
        per_image *= extent
    return len(shape) <= 2 and per_image <= _MOST_PARAMETERS


def _parameter(name: str, shape: tuple[int, ...], size: tuple[int, int]) -> Array:
    """Values of an input that describes the image: height and width (and scale), or a scale of 1."""
    import numpy as np

    values = np.ones(shape)
    lowered = name.lower()
    if "scale" not in lowered and any(word in lowered for word in _SIZE_WORDS) and shape and shape[-1] >= 2:
        # As Paddle's detectors declare them: im_shape is (height, width), im_info (height, width, scale).
        values[..., :2] = size
    return values


def _resolve_shape(tensor: Tensor, given: Sequence[int | None]) -> tuple[int, ...]:
    known = tuple(extent for extent in given if extent is not None)
    if not given or len(known) < len(given):
        text = ",".join(str(extent or _example(position)) for position, extent in enumerate(given))
        raise UsageError(
            "shape-needed",
            f"input {tensor.name!r} has dynamic dimensions and needs a shape",
            expected="its dimensions",
            found=" x ".join("any" if extent is None else str(extent) for extent in given) or "any",
            hint=f"--shape {tensor.name}={text or '1,3,224,224'}",
        )
    declared = tensor.shape or known
    fits = len(declared) == len(known) and all(a in (None, b) for a, b in zip(declared, known, strict=False))
    if not fits:
        raise UsageError(
            "shape-unsupported",
            f"input {tensor.name!r} does not accept this shape",
            expected=" x ".join("any" if extent is None else str(extent) for extent in declared),
            found=" x ".join(map(str, known)),
            hint=f"--shape {tensor.name}="
            + ",".join(str(extent or _example(position)) for position, extent in enumerate(declared)),
        )
    return known


def _example(position: int) -> int:
    return 1 if position == 0 else 320
