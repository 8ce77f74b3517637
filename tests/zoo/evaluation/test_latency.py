"""Durations are summarized as percentiles, and only comparable published figures are listed."""

from __future__ import annotations

import registry
from zoo.evaluation.latency import Plan, build_bench, measure_durations, summarize


def test_percentiles_are_measured_durations() -> None:
    found = summarize([float(value) for value in range(100, 0, -1)])

    assert (found.runs, found.minimum, found.p50, found.p90, found.p99, found.maximum) == (
        100, 1, 50, 90, 99, 100,
    )  # fmt: skip
    assert found.mean == 50.5


def test_a_single_run_is_its_own_percentile() -> None:
    found = summarize([3.5])

    assert {found.minimum, found.p50, found.p99, found.maximum, found.mean} == {3.5}


def test_warm_up_runs_are_done_and_not_counted() -> None:
    calls: list[int] = []

    times = measure_durations(lambda: calls.append(1), warmup=3, runs=5)

    assert (len(calls), len(times)) == (8, 5)


def test_published_figures_of_another_scope_are_left_out() -> None:
    entry = registry.load().get("tinypose_128x96")
    alone = entry.latency[:2]
    pipeline = alone[0].model_copy(update={"scope": "pipeline", "milliseconds": 11.72})
    eight = alone[0].model_copy(update={"batch": 8, "milliseconds": 25.2})
    all_of_them = entry.model_copy(update={"latency": (*alone, pipeline, eight)})

    assert [figure.milliseconds for figure in build_bench(all_of_them, Plan(), ()).published] == [4.57, 3.27]
    beside = build_bench(all_of_them, Plan(scope="pipeline"), ()).published
    assert [figure.milliseconds for figure in beside] == [11.72]
