"""One format beside the inference model: what it is shown, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from registry import Entry
from registry.errors import ConversionError, MissingToolError, NetworkError, NotFoundError, ZooError
from zoo.artifacts.formats import FORMATS, OPTIONAL_TOOLS, PHONE_ONLY

if TYPE_CHECKING:
    from zoo.artifacts.resolver import ArtifactResolver
    from zoo.evaluation.parity import FormatParity, Layers, Sample, State
    from zoo.runner.loading import RunConfig

IMAGES = 4
"""Built-in images that formats are compared on; each holds up to three drawn figures."""


def samples_of(images: Sequence[Path]) -> tuple[Sample, ...]:
    """Images to look at: the caller's, or drawn figures with their boxes."""
    import numpy as np

    from zoo.evaluation.parity import Sample
    from zoo.runner.images import read_image
    from zoo.sample.figures import HELD_OUT, picture

    if images:
        return tuple(Sample(read_image(path, honor_exif=True)) for path in images)
    samples = []
    for seed in range(HELD_OUT, HELD_OUT + IMAGES):
        drawn = picture(seed)
        corners = [(x, y, x + width, y + height) for x, y, width, height in (p.box for p in drawn.persons)]
        samples.append(Sample(drawn.image, np.array(corners).reshape(-1, 4)))
    return tuple(samples)


def without_optional_tools(resolver: ArtifactResolver) -> ArtifactResolver:
    """The same store for looking at every format: tools that nobody named are used, and not fetched."""
    return replace(resolver, toolchains=resolver.toolchains.without_building(OPTIONAL_TOOLS))


def formats_to_compare(*, build: bool | None, lite_version: str | None) -> tuple[RunConfig, ...]:
    """Every format that runs here but the inference model itself.

    Args:
        build: As for ``zoo.compare``.
        lite_version: Version of Paddle-Lite.
    """
    from zoo.runner.loading import RunConfig  # not before it is known that this machine runs models

    return tuple(
        RunConfig(
            backend=each.backend,
            precision=each.precision,
            # Made here like the others: what upstream published may be of another Paddle-Lite.
            build=True if build is None and each.interpreted else build,
            lite_version=lite_version if each.want.kind == "lite" else None,
        )
        for each in FORMATS
        if each.want.kind != "inference"
    )


def parity_of(
    entry: Entry, choice: RunConfig, samples: Sequence[Sample], reference: Layers, resolver: ArtifactResolver
) -> FormatParity:
    """What a format computes, beside what the inference model computes.

    Args:
        entry: Whose format it is.
        choice: The format.
        samples: What both are shown.
        reference: What the inference model made of it.
        resolver: Gets the format.

    Raises:
        ZooError: What says more than that this one format is not to be had: a refused file, or no network.
    """
    from zoo.evaluation.parity import FormatParity, compare, heat_maps_alone, observe
    from zoo.runner.loading import load_networks

    name = choice.format.name
    resolver.reporter.note(f"comparing {name}")
    try:
        with load_networks([(entry, choice)], resolver) as (network,):
            engine = f"{network.session.engine} {network.session.engine_version}"
            expected = heat_maps_alone(reference) if choice.format.heat_maps_alone else reference
            found = compare(expected, observe(network, samples), entry, choice.precision)
    except ZooError as error:
        state = _state_after(error)
        if state is None:
            raise
        return FormatParity(format=name, state=state, reason=_why(error))
    return found.model_copy(update={"format": name, "engine": engine})


def _state_after(error: ZooError) -> State | None:
    """What an error makes of one format; None where it is about more than that."""
    from converters.onnx import REFUSALS as IMPOSSIBLE
    from converters.tflite.options import REFUSALS as UNSUPPRESSED
    from zoo.runner.sessions.arm_fp16 import REFUSALS as UNKNOWN

    if isinstance(error, MissingToolError) or error.code in ("nothing-published", "not-on-server"):
        return "missing"
    if not isinstance(error, ConversionError):
        return None
    return "not-run" if error.code in (*IMPOSSIBLE, *UNKNOWN, *UNSUPPRESSED) else "failed"


def _why(error: ZooError) -> str:
    from zoo.runner.sessions.arm_fp16 import REFUSALS

    if error.code in REFUSALS:
        return f"the interpreter of ARM FP16 kernels does not know {error.found}"
    if isinstance(error, MissingToolError | NetworkError | NotFoundError):
        return "; ".join(filter(None, (error.message, error.hint)))
    return ": ".join(filter(None, (error.message, error.found)))


def not_runnable() -> FormatParity:
    """A format that this processor cannot run: it keeps its row, and nothing stands in for it."""
    from zoo.evaluation.parity import FormatParity

    return FormatParity(
        format=PHONE_ONLY.id,
        state="not-run",
        reason="its kernels are for ARM processors; lite-x86-fp32 is the same network for this one",
    )
