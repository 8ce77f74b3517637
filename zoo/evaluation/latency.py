"""Measure latency on this machine and list published figures of the same scope."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Sequence

import numpy as np
from pydantic import NonNegativeInt, PositiveInt

from converters.choices import WeightOnly
from registry.choices import Precision, Scope
from registry.errors import UsageError
from registry.schema import Entry
from registry.schema.base import Model
from registry.schema.figures import Latency as Published
from registry.schema.io import DetectionOutput
from zoo._utils.arrays import Array
from zoo._utils.choices import Backend
from zoo.runner.images import Image
from zoo.runner.loading import LoadedModel
from zoo.runner.preprocess import prepare_image
from zoo.runner.protocols import PYTHON_DEPLOYMENT_NMS, as_python_deployment, get_keypoint_protocol
from zoo.runner.runner import make_detector, make_estimator


class Plan(Model):
    """Scope and number of runs of a latency measurement.

    Attributes:
        scope: ``network``: one run of the engine, arrays in, arrays out. ``pipeline``: a decoded image in,
            boxes or keypoints out.
        warmup: Runs that are not measured: engines select kernels and allocate memory in the first runs.
        runs: Measured runs.
    """

    scope: Scope = "network"
    warmup: NonNegativeInt = 16
    runs: PositiveInt = 100


class Summary(Model):
    """Times of one input, in milliseconds.

    Attributes:
        runs: Number of measured runs.
        mean: Arithmetic mean.
        minimum: The shortest.
        p50: Median.
        p90: 90th percentile.
        p99: 99th percentile.
        maximum: The longest.
    """

    runs: int
    mean: float
    minimum: float
    p50: float
    p90: float
    p99: float
    maximum: float


class Timing(Model):
    """Latency of one format on one engine.

    Attributes:
        format: Artifact, for example ``onnx-fp32``; the name of the backend if there is no artifact.
        backend: Backend that ran the model.
        precision: Precision of the file. The engine string names the precision of the arithmetic.
        weight_only: Integer type of the stored weights; None where they have the precision of the file.
        engine: Engine and its version; None if the format was not run.
        threads: Threads of one run.
        summary: The times; None if the format was not run.
        reason: Reason why it was not run.
    """

    format: str
    backend: Backend
    precision: Precision
    weight_only: WeightOnly | None = None
    engine: str | None = None
    threads: int
    summary: Summary | None = None
    reason: str | None = None


class Bench(Model):
    """Latency of an entry on this machine, and published figures of the same scope.

    Attributes:
        entry: ``name@release``.
        machine: Processor architecture of this machine.
        plan: Scope and number of runs.
        timings: One per format.
        published: Published figures of the same scope, on other devices: for orientation, not for comparison.
    """

    entry: str
    machine: str
    plan: Plan
    timings: tuple[Timing, ...]
    published: tuple[Published, ...]


def latency_not_measurable() -> UsageError:
    """The error for timing an FP16 Lite file, which is emulated on this machine."""
    return UsageError(
        "latency-not-measurable",
        "the latency of an FP16 Lite file cannot be measured here: its ARM kernels are emulated",
        expected="an engine that runs on this processor",
        found="lite-arm-fp16",
        done="nothing was fetched or timed",
        hint="--precision fp32 times the x86 file of the same network; zoo validate measures FP16 accuracy",
    )


def time_network(network: LoadedModel, image: Image, plan: Plan) -> Timing:
    """Measure the latency of a loaded network.

    Args:
        network: The network. For a network in a child process, the time includes the communication.
        image: Input image; a pose model treats the whole image as one person.
        plan: Scope and number of runs.
    """
    run = _prepare_pipeline(network, image) if plan.scope == "pipeline" else _prepare_engine(network, image)
    return Timing(
        format=network.fetched.artifact,
        backend=network.config.backend,
        precision=network.config.precision,
        weight_only=network.config.weight_only,
        engine=f"{network.session.engine} {network.session.engine_version}",
        threads=network.session.threads,
        summary=summarize(measure_durations(run, warmup=plan.warmup, runs=plan.runs)),
    )


def measure_durations(work: Callable[[], object], *, warmup: int, runs: int) -> list[float]:
    """Measure the durations of single calls, in milliseconds.

    Args:
        work: Function to call.
        warmup: Calls that are not measured.
        runs: Measured calls.
    """
    for _ in range(warmup):
        work()
    times = []
    for _ in range(runs):
        start = time.perf_counter_ns()
        work()
        times.append((time.perf_counter_ns() - start) / 1e6)
    return times


def summarize(times: Sequence[float]) -> Summary:
    """Compute percentiles of durations; each is a measured duration, none is interpolated.

    Args:
        times: Milliseconds, at least one.
    """
    p50, p90, p99 = np.percentile(times, (50, 90, 99), method="inverted_cdf").tolist()
    return Summary(
        runs=len(times),
        mean=float(np.mean(times)),
        minimum=min(times),
        p50=p50,
        p90=p90,
        p99=p99,
        maximum=max(times),
    )


def build_bench(entry: Entry, plan: Plan, timings: Sequence[Timing]) -> Bench:
    """Add the published figures of the same scope and batch size 1 to measured times."""
    published = tuple(figure for figure in entry.latency if figure.scope == plan.scope and figure.batch == 1)
    return Bench(
        entry=entry.id, machine=platform.machine(), plan=plan, timings=tuple(timings), published=published
    )


def _prepare_pipeline(network: LoadedModel, image: Image) -> Callable[[], object]:
    if isinstance(network.entry.output, DetectionOutput):
        detector = make_detector(network, PYTHON_DEPLOYMENT_NMS)
        return lambda: detector(image)
    estimator = make_estimator(network, as_python_deployment(get_keypoint_protocol(network.entry)))
    return lambda: estimator(image)


def _prepare_engine(network: LoadedModel, image: Image) -> Callable[[], object]:
    spec = network.entry.input
    prepared = prepare_image(image, spec, network.normalization)
    # The content of the tensor does not influence the time: a stretched image is good enough for pose models.
    feeds: dict[str, Array] = {spec.name: prepared.tensor}
    extras = {
        "scale_factor": prepared.scale[None],
        "im_shape": np.array([prepared.tensor.shape[2:]], dtype=np.float32),
    }
    declared = {tensor.name for tensor in network.session.inputs}
    feeds |= {name: value for name, value in extras.items() if name in declared}
    return lambda: network.session.run(feeds)
