"""One format beside the inference model: what it is shown, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from registry import Entry
from registry.errors import ConversionError, MissingToolError

if TYPE_CHECKING:
    from zoo.obtain import Obtainer
    from zoo.opening import Choice
    from zoo.validation.parity import FormatParity, Layers, Sample

PICTURES = 4
"""Built-in pictures that formats are compared on; each holds up to three drawn figures."""


def samples_of(images: Sequence[Path]) -> tuple[Sample, ...]:
    """Pictures to look at: the caller's, or drawn figures with their boxes."""
    import numpy as np

    from zoo.runner.images import read_photo
    from zoo.sample.figures import HELD_OUT, picture
    from zoo.validation.parity import Sample

    if images:
        return tuple(Sample(read_photo(path, honour_exif=True)) for path in images)
    samples = []
    for seed in range(HELD_OUT, HELD_OUT + PICTURES):
        drawn = picture(seed)
        corners = [(x, y, x + width, y + height) for x, y, width, height in (p.box for p in drawn.persons)]
        samples.append(Sample(drawn.image, np.array(corners).reshape(-1, 4)))
    return tuple(samples)


def parity_of(
    entry: Entry, choice: Choice, samples: Sequence[Sample], reference: Layers, obtainer: Obtainer
) -> FormatParity:
    """What a format computes, beside what the inference model computes.

    Args:
        entry: Whose format it is.
        choice: The format.
        samples: What both are shown.
        reference: What the inference model made of it.
        obtainer: Gets the format.
    """
    from zoo.opening import opened, want_of
    from zoo.runner.sessions.half import REFUSALS
    from zoo.validation.parity import FormatParity, compare, observe

    name = want_of(choice).id
    obtainer.reporter.note(f"comparing {name}")
    try:
        with opened([(entry, choice)], obtainer) as (network,):
            engine = f"{network.session.engine} {network.session.engine_version}"
            found = compare(reference, observe(network, samples), entry, choice.precision)
    except MissingToolError as error:
        return FormatParity(format=name, state="missing", reason=error.hint or error.message)
    except ConversionError as error:
        if error.code not in REFUSALS:
            raise
        reason = f"the interpreter of ARM FP16 kernels does not know {error.found}"
        return FormatParity(format=name, state="not-run", reason=reason)
    return found.model_copy(update={"format": name, "engine": engine})


def not_run() -> FormatParity:
    """A format that this processor cannot run: it keeps its row, and nothing stands in for it."""
    from zoo.validation.parity import FormatParity

    return FormatParity(
        format="lite-arm-fp32",
        state="not-run",
        reason="its kernels are for ARM processors; lite-x86-fp32 is the same network for this one",
    )
