"""A model outside the catalog: converted to every format, and each held to what it computes itself.

Nothing is known about its task, so it is fed noise of the shapes the caller names, and only what it hands out
is compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from converters.formats import Tensor
from converters.jobs.input_model import read_model
from converters.lite import LiteOptions
from converters.onnx import OnnxOptions
from converters.planning.plan import Step
from converters.toolchain.pins import DEFAULT_LITE_VERSION, PADDLE, paddlelite
from registry.errors import ConversionError, MissingToolError, UsageError
from registry.schema.base import Model
from zoo.evaluation.output_diff import compare_outputs
from zoo.evaluation.parity import FormatParity, LayerDifference

if TYPE_CHECKING:
    from zoo._utils.arrays import Array
    from zoo.artifacts.resolver import ArtifactResolver
    from zoo.runner.sessions import Session

RELATIVE = 1e-4
"""Largest difference in single precision as a share of an output's largest value, or of 1 where that is less.
Half precision is measured and held to no bound: what it costs, the task would have to say."""

_BATCHES = (1, 2)  # an open batch is fed as one and as two

Shapes = Mapping[str, tuple[int | None, ...]]
"""Input to its extents, for one run; None where nobody said them."""


class ModelParity(Model):
    """All formats of a model beside itself.

    Attributes:
        model: Its path.
        reference: Engine and version that ran it.
        runs: Extents of the inputs of each run, in words.
        formats: One a format.
    """

    model: Path
    reference: str
    runs: tuple[str, ...]
    formats: tuple[FormatParity, ...]

    @property
    def passed(self) -> bool:
        """Whether every format that this machine can run was made and computes the same."""
        return all(row.holds for row in self.formats)


_ELSEWHERE = "an ARM processor"


def compare_model(
    model: Path, given: Sequence[Shapes], resolver: ArtifactResolver, *, lite_version: str | None = None
) -> ModelParity:
    """Converts an inference model to every format and compares what they compute on noise.

    Args:
        model: File or folder of an inference model.
        given: Extents of inputs for each run; inputs whose extents are fixed need not be named.
        resolver: The store, and the way to the tools.
        lite_version: Version of Paddle-Lite; None takes the default.

    Raises:
        UsageError: ``shape-needed``: open extents nobody gave; ``shape-unsupported``: extents that do not fit.
        ZooError: As for ``read_model``; the model itself cannot be run.
    """
    # Imported here: numpy and the engines, which only running takes.
    from zoo.runner.sessions import open_session

    source = read_model(model)
    runs = [_feeds(source.inputs, shapes) for shapes in (given or _defaults(source.inputs))]
    interpreter = resolver.toolchains.ensure(PADDLE, resolver.reporter.note)
    with open_session(model, "paddle", interpreter=interpreter) as session:
        engine = f"{session.engine} {session.engine_version}"
        expected = [session.run(feeds) for feeds in runs]
    version = lite_version or DEFAULT_LITE_VERSION
    steps: list[Step] = [
        OnnxOptions(),
        LiteOptions(target="x86", version=version),
        LiteOptions(version=version),
        LiteOptions(precision="fp16", version=version),
    ]
    rows = [_row(model, step, runs, expected, resolver) for step in steps]
    words = tuple(", ".join(f"{name} {list(array.shape)}" for name, array in feeds.items()) for feeds in runs)
    return ModelParity(model=model, reference=engine, runs=words, formats=tuple(rows))


def parse_shapes(texts: Sequence[str]) -> tuple[Shapes, ...]:
    """Runs from ``NAME=1,3,48,320`` each; a name that comes again starts the next run.

    Raises:
        UsageError: ``shape-unreadable``.
    """
    runs: list[dict[str, tuple[int | None, ...]]] = []
    for text in texts:
        name, mark, numbers = text.rpartition("=")
        parts = numbers.split(",")
        if not mark or not name or not all(part.strip().isdigit() and int(part) > 0 for part in parts):
            raise UsageError(
                "shape-unreadable",
                f"--shape {text} is no shape",
                expected="the name of an input and its extents",
                found=text,
                hint="--shape x=1,3,48,320",
            )
        if not runs or name in runs[-1]:
            runs.append({})
        runs[-1][name] = tuple(map(int, parts))
    return tuple(runs)


def _defaults(inputs: Sequence[Tensor]) -> list[Shapes]:
    """Runs for open batches; other open extents are not guessed, and stay open to be refused."""
    open_batch = any(tensor.shape and tensor.shape[0] is None for tensor in inputs)
    return [_with_batch(inputs, batch) for batch in (_BATCHES if open_batch else _BATCHES[:1])]


def _with_batch(inputs: Sequence[Tensor], batch: int) -> Shapes:
    shapes = {tensor.name: tensor.shape for tensor in inputs if tensor.shape is not None}
    return {name: (batch, *shape[1:]) if shape[:1] == (None,) else shape for name, shape in shapes.items()}


def _feeds(inputs: Sequence[Tensor], shapes: Shapes) -> dict[str, Array]:
    import numpy as np

    if unknown := sorted(shapes.keys() - {tensor.name for tensor in inputs}):
        raise UsageError(
            "shape-unsupported",
            f"the model has no input {unknown[0]!r}",
            expected=", ".join(tensor.name for tensor in inputs),
            found=unknown[0],
            hint=f"--shape {inputs[0].name}=…" if inputs else "repeat without --shape",
        )
    random = np.random.default_rng(0)
    feeds: dict[str, Array] = {}
    for tensor in inputs:
        extents = _extents(tensor, shapes.get(tensor.name, tensor.shape or ()))
        noise = random.standard_normal(extents)
        # Whole numbers are indices or sizes: one is the only value that fits all.
        whole = (tensor.dtype or "float32").startswith(("int", "uint", "bool"))
        feeds[tensor.name] = (np.ones(extents) if whole else noise).astype(tensor.dtype or "float32")
    return feeds


def _extents(tensor: Tensor, given: Sequence[int | None]) -> tuple[int, ...]:
    known = tuple(extent for extent in given if extent is not None)
    if not given or len(known) < len(given):
        text = ",".join(str(extent or _example(place)) for place, extent in enumerate(given))
        raise UsageError(
            "shape-needed",
            f"input {tensor.name!r} may have many shapes, and nothing says which to compare on",
            expected="its extents",
            found=" x ".join("any" if extent is None else str(extent) for extent in given) or "any",
            hint=f"--shape {tensor.name}={text or '1,3,224,224'}",
        )
    declared = tensor.shape or known
    fits = len(declared) == len(known) and all(a in (None, b) for a, b in zip(declared, known, strict=False))
    if not fits:
        raise UsageError(
            "shape-unsupported",
            f"input {tensor.name!r} cannot have these extents",
            expected=" x ".join("any" if extent is None else str(extent) for extent in declared),
            found=" x ".join(map(str, known)),
            hint=f"--shape {tensor.name}="
            + ",".join(str(extent or _example(place)) for place, extent in enumerate(declared)),
        )
    return known


def _example(place: int) -> int:
    return 1 if place == 0 else 320


def _row(
    model: Path,
    step: Step,
    runs: Sequence[Mapping[str, Array]],
    expected: Sequence[Mapping[str, Array]],
    resolver: ArtifactResolver,
) -> FormatParity:
    from zoo.runner.sessions import open_session

    lite = isinstance(step, LiteOptions)
    name = f"lite-{step.target}-{step.precision}" if isinstance(step, LiteOptions) else "onnx-fp32"
    try:
        made = resolver.convert(model, step, model.stem, None).path
        if isinstance(step, LiteOptions) and (step.target, step.precision) == ("arm", "fp32"):
            reason = (
                "made and proven; its kernels are for ARM, lite-x86-fp32 is the same network for this one"
            )
            return FormatParity(format=name, state="not-run", engine=_ELSEWHERE, reason=reason)
        interpreter = None
        if isinstance(step, LiteOptions) and step.target == "x86":
            interpreter = resolver.toolchains.ensure(paddlelite(step.version), resolver.reporter.note)
        with open_session(made, "lite" if lite else "onnx", interpreter=interpreter) as session:
            return _compared(name, session, runs, expected)
    except MissingToolError as error:
        return FormatParity(format=name, state="missing", reason=error.hint or error.message)
    except ConversionError as error:
        if error.code == "fp16-op-unsupported":
            kinds = len((error.found or "").split(" x ")) - 1
            reason = f"made and proven; {kinds} of its kinds of operators are not interpreted here"
            return FormatParity(format=name, state="not-run", engine=_ELSEWHERE, reason=reason)
        parts = (error.message, error.found, f"try: {error.hint}" if error.hint else None)
        return FormatParity(format=name, state="failed", reason="; ".join(filter(None, parts)))


def _compared(
    name: str,
    session: Session,
    runs: Sequence[Mapping[str, Array]],
    expected: Sequence[Mapping[str, Array]],
) -> FormatParity:
    layers = []
    measured = name.endswith("fp16")
    pairs = [pair for pair in zip(runs, expected, strict=True) if _takes(session.inputs, pair[0])]
    if not pairs:
        return FormatParity(format=name, state="failed", reason="takes none of the shapes of the runs")
    for feeds, reference in pairs:
        for output in compare_outputs(reference, session.run(feeds)):
            layers.append(
                LayerDifference(
                    layer="raw",
                    what=output.name,
                    unit="count" if output.index else "value",
                    max_abs=output.max_abs,
                    relative=None if output.index else output.relative,
                    cosine=None if output.index else output.cosine,
                    limit=0 if output.index else RELATIVE * max(1.0, output.max_value),
                )
            )
    same = all(layer.within for layer in layers)
    return FormatParity(
        format=name,
        state="measured" if measured else "same" if same else "differs",
        engine=f"{session.engine} {session.engine_version}",
        layers=tuple(layers),
        first=None if same or measured else "raw",
        reason=None if len(pairs) == len(runs) else f"takes the shapes of {len(pairs)} of {len(runs)} runs",
    )


def _takes(inputs: Sequence[Tensor], feeds: Mapping[str, Array]) -> bool:
    """Whether a file takes these shapes: an ONNX file that suppresses boxes takes but one picture."""
    return all(
        extent in (None, given)
        for tensor in inputs
        if tensor.shape is not None
        for extent, given in zip(tensor.shape, feeds[tensor.name].shape, strict=False)
    )
