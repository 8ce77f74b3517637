"""Convert a model outside the catalog to every format and compare the raw outputs.

The task of the model is unknown, so its inputs are synthetic and only its raw outputs are compared.
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
from registry.errors import ConversionError, MissingToolError
from registry.schema.base import Model
from zoo.evaluation.feeds import Shapes, build_feeds, default_shapes
from zoo.evaluation.limits import DEFAULTS, UNLIMITED
from zoo.evaluation.output_diff import compare_outputs
from zoo.evaluation.parity import FormatParity, LayerDifference

if TYPE_CHECKING:
    from zoo._utils.arrays import Array
    from zoo.artifacts.resolver import ArtifactResolver
    from zoo.runner.sessions import Session


class ModelParity(Model):
    """Comparison of a model with the formats converted from it.

    Attributes:
        model: Path of the model.
        reference: Engine and version that ran it.
        runs: Shapes of the inputs of each run, as text.
        formats: One per format.
    """

    model: Path
    reference: str
    runs: tuple[str, ...]
    formats: tuple[FormatParity, ...]

    @property
    def passed(self) -> bool:
        """Whether no format differs or failed."""
        return all(row.passed for row in self.formats)


_ARM_ENGINE = "an ARM processor"


def compare_conversions(
    model: Path, given: Sequence[Shapes], resolver: ArtifactResolver, *, lite_version: str | None = None
) -> ModelParity:
    """Convert an inference model to every format and compare the outputs on synthetic inputs.

    Args:
        model: File or folder of an inference model.
        given: Shapes of the inputs for each run; inputs with fixed dimensions may be omitted.
        resolver: Resolver with the cache and the toolchains.
        lite_version: Version of Paddle-Lite; None selects the default.

    Raises:
        UsageError: ``shape-needed`` for dynamic dimensions without a shape, or ``shape-unsupported``.
        ZooError: As for ``read_model``, or the model cannot be run.
    """
    # Imported here: only running a model needs numpy and the engines.
    from zoo.runner.sessions import open_session

    source = read_model(model)
    runs = [build_feeds(source.inputs, shapes) for shapes in (given or default_shapes(source.inputs))]
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
    rows = [_convert_and_compare(model, step, runs, expected, resolver) for step in steps]
    texts = tuple(", ".join(f"{name} {list(array.shape)}" for name, array in feeds.items()) for feeds in runs)
    return ModelParity(model=model, reference=engine, runs=texts, formats=tuple(rows))


def _convert_and_compare(
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
        converted = resolver.resolve_step(model, step, model.stem, None).path
        if isinstance(step, LiteOptions) and (step.target, step.precision) == ("arm", "fp32"):
            reason = "converted and inspected; needs an ARM processor (lite-x86-fp32 is the same network)"
            return FormatParity(format=name, state="not-run", engine=_ARM_ENGINE, reason=reason)
        interpreter = None
        if isinstance(step, LiteOptions) and step.target == "x86":
            interpreter = resolver.toolchains.ensure(paddlelite(step.version), resolver.reporter.note)
        with open_session(converted, "lite" if lite else "onnx", interpreter=interpreter) as session:
            return _compare_session(name, session, runs, expected)
    except MissingToolError as error:
        return FormatParity(format=name, state="missing", reason=error.hint or error.message)
    except ConversionError as error:
        if error.code == "fp16-op-unsupported":
            kinds = len((error.found or "").split(" x ")) - 1
            reason = f"converted and inspected; ARM FP16 emulation does not support {kinds} of its operators"
            return FormatParity(format=name, state="not-run", engine=_ARM_ENGINE, reason=reason)
        parts = (error.message, error.found, f"try: {error.hint}" if error.hint else None)
        return FormatParity(format=name, state="failed", reason="; ".join(filter(None, parts)))


def _compare_session(
    name: str,
    session: Session,
    runs: Sequence[Mapping[str, Array]],
    expected: Sequence[Mapping[str, Array]],
) -> FormatParity:
    limits = UNLIMITED if name.endswith("fp16") else DEFAULTS
    pairs = [pair for pair in zip(runs, expected, strict=True) if _accepts(session.inputs, pair[0])]
    if not pairs:
        return FormatParity(
            format=name, state="failed", reason="accepts none of the input shapes of the runs"
        )
    layers = [
        LayerDifference(
            layer="raw",
            quantity=output.name,
            unit="count" if output.index else "value",
            max_abs=output.max_abs,
            relative=None if output.index else output.relative,
            cosine=None if output.index else output.cosine,
            limit=limits.raw_limit(output.max_value, index=output.index),
        )
        for feeds, reference in pairs
        for output in compare_outputs(reference, session.run(feeds))
    ]
    same = all(layer.within_limit for layer in layers)
    return FormatParity(
        format=name,
        state="measured" if limits.source is None else "same" if same else "differs",
        engine=f"{session.engine} {session.engine_version}",
        layers=tuple(layers),
        first_layer=None if same else "raw",
        limits=limits.source,
        reason=None if len(pairs) == len(runs) else f"accepts the shapes of {len(pairs)} of {len(runs)} runs",
    )


def _accepts(inputs: Sequence[Tensor], feeds: Mapping[str, Array]) -> bool:
    """Report whether a file accepts these shapes: an ONNX file with suppression accepts only one image."""
    return all(
        extent in (None, given)
        for tensor in inputs
        if tensor.shape is not None
        for extent, given in zip(tensor.shape, feeds[tensor.name].shape, strict=False)
    )
