"""Compare one format of an entry with its inference model; an unavailable format is a row with a reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from registry import Entry
from registry.errors import ConversionError, MissingToolError, NetworkError, NotFoundError, ZooError
from zoo.artifacts.formats import FORMATS, OPTIONAL_TOOLS, PHONE_ONLY

if TYPE_CHECKING:
    from zoo.artifacts.resolver import ArtifactResolver
    from zoo.evaluation.layers import Sample
    from zoo.evaluation.parity import FormatParity, State
    from zoo.runner.loading import LoadedModel, RunConfig

IMAGES = 4
"""Number of built-in images for comparisons; each shows up to three drawn figures."""


def load_samples(images: Sequence[Path]) -> tuple[Sample, ...]:
    """Load the images of the caller, or drawn figures with their boxes if there are none."""
    from zoo.evaluation.layers import Sample
    from zoo.runner.images import read_image
    from zoo.sample.figures import HELD_OUT, draw_image

    if images:
        return tuple(Sample(read_image(path, honor_exif=True)) for path in images)
    samples = []
    for seed in range(HELD_OUT, HELD_OUT + IMAGES):
        drawn = draw_image(seed)
        samples.append(Sample(drawn.image, drawn.corners))
    return tuple(samples)


def without_optional_tools(resolver: ArtifactResolver) -> ArtifactResolver:
    """Copy a resolver so that it uses optional tools if they are installed, but does not install them."""
    return replace(resolver, toolchains=resolver.toolchains.without_building(OPTIONAL_TOOLS))


def formats_to_compare(
    *, build: bool | None, lite_version: str | None, calibration: Path | None = None
) -> tuple[RunConfig, ...]:
    """List every format that runs on this machine, except the inference model itself.

    Args:
        build: As for ``zoo.compare``.
        lite_version: Version of Paddle-Lite.
        calibration: Folder of images that determine the ranges of ``int8`` files; None for drawn figures.
    """
    from zoo.runner.loading import RunConfig  # imported here: needs the extra "run"

    return tuple(
        RunConfig(
            backend=each.backend,
            precision=each.precision,
            weight_only=each.weight_only,
            calibration=calibration if each.calibrated else None,
            # Converted locally: the published file may come from another version of Paddle-Lite.
            build=True if build is None and each.interpreted else build,
            lite_version=lite_version if each.spec.kind == "lite" else None,
        )
        for each in FORMATS
        if each.spec.kind != "inference"
    )


def compare_format(
    entry: Entry,
    config: RunConfig,
    compare_one: Callable[[LoadedModel], FormatParity],
    resolver: ArtifactResolver,
) -> FormatParity:
    """Compare a format with the inference model.

    Args:
        entry: The entry.
        config: The format.
        compare_one: Compares the loaded format.
        resolver: Resolver of the artifact.

    Raises:
        ZooError: An error that concerns more than this format: a rejected file, or no network access.
    """
    from zoo.evaluation.parity import FormatParity
    from zoo.runner.loading import load_networks

    name = config.format.name
    resolver.reporter.note(f"comparing {name}")
    try:
        with load_networks([(entry, config)], resolver) as (network,):
            return compare_one(network).model_copy(update={"format": name})
    except ZooError as error:
        state = _state_after(error)
        if state is None:
            raise
        return FormatParity(format=name, state=state, reason=_explain(error))


def _state_after(error: ZooError) -> State | None:
    """State of a format after an error; None if the error concerns more than this format."""
    from converters.onnx import UNSUPPORTED_CODES as ONNX_CODES
    from converters.tflite.options import UNSUPPORTED_CODES as TFLITE_CODES
    from zoo.runner.sessions.arm_fp16 import REFUSALS

    if isinstance(error, MissingToolError) or error.code in (
        "nothing-published",
        "not-on-server",
        "format-unavailable",
    ):
        return "missing"
    if not isinstance(error, ConversionError):
        return None
    return "not-run" if error.code in (*ONNX_CODES, *REFUSALS, *TFLITE_CODES) else "failed"


def _explain(error: ZooError) -> str:
    from zoo.runner.sessions.arm_fp16 import REFUSALS

    if error.code in REFUSALS:
        return f"ARM FP16 emulation does not support {error.found}"
    if isinstance(error, MissingToolError | NetworkError | NotFoundError):
        return "; ".join(filter(None, (error.message, error.hint)))
    return ": ".join(filter(None, (error.message, error.found)))


def not_runnable() -> FormatParity:
    """The row of the format that needs an ARM processor."""
    from zoo.evaluation.parity import FormatParity

    return FormatParity(
        format=PHONE_ONLY.id,
        state="not-run",
        reason="needs an ARM processor; lite-x86-fp32 is the same network for x86",
    )
