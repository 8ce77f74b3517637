"""How long a model takes here, beside what was published about the same scope elsewhere."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from pydantic import NonNegativeInt, PositiveInt

from registry.errors import UsageError
from registry.schema import Entry
from registry.schema.base import Model
from registry.schema.figures import Latency as Published
from registry.schema.io import DetectionOutput
from zoo._utils.arrays import Array
from zoo.artifacts.formats import Backend, Precision
from zoo.runner.images import Image
from zoo.runner.loading import LoadedModel
from zoo.runner.preprocess import prepare_image
from zoo.runner.protocols import PYTHON_DEPLOYMENT_NMS, python_deployment
from zoo.runner.runner import detector_of, estimator_of, keypoint_protocol

Scope = Literal["network", "pipeline"]


class Plan(Model):
    """How often to measure what.

    Attributes:
        scope: ``network``: one run of the engine, arrays in, arrays out. ``pipeline``: a decoded image in,
            boxes or key points out.
        warm_up: Runs that are not counted: engines choose kernels and allocate in the first ones.
        repeats: Runs that are.
    """

    scope: Scope = "network"
    warm_up: NonNegativeInt = 16
    repeats: PositiveInt = 100


class Summary(Model):
    """Times of one input, in milliseconds.

    Attributes:
        runs: How many were measured.
        mean: Arithmetic mean.
        minimum: The shortest.
        p50: Median.
        p90: 90 of 100 are not longer.
        p99: 99 of 100 are not longer.
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
    """One format on one engine.

    Attributes:
        format: Which artifact, for example ``onnx-fp32``; the backend's name where it could not be had.
        backend: What ran it.
        precision: Of the file; what is computed, the engine says.
        engine: Engine and its version; None where it was not run.
        threads: Threads one run may use.
        summary: The times; None where it was not run.
        reason: Why it was not run.
    """

    format: str
    backend: Backend
    precision: Precision
    engine: str | None = None
    threads: int
    summary: Summary | None = None
    reason: str | None = None


class Bench(Model):
    """Times of an entry here, and those published with the same scope.

    Attributes:
        entry: ``name@release``.
        machine: Processor family this ran on.
        plan: What was measured, how often.
        timings: One a format.
        published: Figures of the same scope. Other devices: for orientation, not for comparison.
    """

    entry: str
    machine: str
    plan: Plan
    timings: tuple[Timing, ...]
    published: tuple[Published, ...]


def interpreted_takes() -> UsageError:
    """Why a half-precision Lite file is not timed."""
    return UsageError(
        "latency-not-measurable",
        "a half-precision Lite file is interpreted here: how long that takes says nothing about a phone",
        expected="an engine that runs on this processor",
        found="lite-arm-fp16",
        done="nothing was fetched or timed",
        hint="--precision fp32 times the x86 twin; zoo validate shows what half precision costs",
    )


def time_network(network: LoadedModel, image: Image, plan: Plan) -> Timing:
    """Measures one loaded network.

    Args:
        network: The network. Those that live in a child process are measured with the way there and back.
        image: What it looks at; a pose model takes all of it for the person.
        plan: What to measure, how often.
    """
    look = _pipeline(network, image) if plan.scope == "pipeline" else _engine_alone(network, image)
    return Timing(
        format=network.fetched.artifact,
        backend=network.choice.backend,
        precision=network.choice.precision,
        engine=f"{network.session.engine} {network.session.engine_version}",
        threads=network.session.threads,
        summary=summarize(measured(look, warm_up=plan.warm_up, repeats=plan.repeats)),
    )


def measured(work: Callable[[], object], *, warm_up: int, repeats: int) -> list[float]:
    """Durations of single calls, in milliseconds.

    Args:
        work: What to measure.
        warm_up: Calls before the first that counts.
        repeats: Calls that count.
    """
    for _ in range(warm_up):
        work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter_ns()
        work()
        times.append((time.perf_counter_ns() - start) / 1e6)
    return times


def summarize(times: Sequence[float]) -> Summary:
    """Percentiles of durations; each is a duration that occurred, none is interpolated.

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


def bench_of(entry: Entry, plan: Plan, timings: Sequence[Timing]) -> Bench:
    """Times beside the published figures of the same scope and of one input, and of no other."""
    published = tuple(figure for figure in entry.latency if figure.scope == plan.scope and figure.batch == 1)
    return Bench(
        entry=entry.id, machine=platform.machine(), plan=plan, timings=tuple(timings), published=published
    )


def _pipeline(network: LoadedModel, image: Image) -> Callable[[], object]:
    if isinstance(network.entry.output, DetectionOutput):
        detector = detector_of(network, PYTHON_DEPLOYMENT_NMS)
        return lambda: detector(image)
    estimator = estimator_of(network, python_deployment(keypoint_protocol(network.entry)))
    return lambda: estimator(image)


def _engine_alone(network: LoadedModel, image: Image) -> Callable[[], object]:
    spec = network.entry.input
    prepared = prepare_image(image, spec, network.normalization)
    # What the tensor shows has no bearing on how long it takes: a stretched image serves pose models too.
    feeds: dict[str, Array] = {spec.name: prepared.tensor}
    extras = {
        "scale_factor": prepared.scale[None],
        "im_shape": np.array([prepared.tensor.shape[2:]], dtype=np.float32),
    }
    declared = {tensor.name for tensor in network.session.inputs}
    feeds |= {name: value for name, value in extras.items() if name in declared}
    return lambda: network.session.run(feeds)
