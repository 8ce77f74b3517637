"""Rankings contain only comparable figures, and their Pareto front is correct."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import registry
from registry.errors import UsageError
from registry.ranking import Ranking, rank_entries, require_one_ranking
from registry.schema import Entry

SHIPPED = registry.load()
POSE = SHIPPED.get("tinypose_128x96")


def timed(name: str, ap: float, milliseconds: float) -> Entry:
    """Return a pose entry with one accuracy and one latency, under the conditions of the shipped ones."""
    latency = POSE.latency[0].model_copy(update={"milliseconds": milliseconds})
    accuracy = POSE.accuracy[0].model_copy(update={"value": ap})
    return POSE.model_copy(update={"name": name, "accuracy": (accuracy,), "latency": (latency,)})


def only(entries: list[Entry]) -> Ranking:
    (ranking,) = rank_entries(entries, device="sd865").rankings
    return ranking


def test_rows_are_sorted_by_latency_and_name_the_entry_that_beats_them() -> None:
    ranking = only([timed("slow", 58, 9), timed("fast", 50, 3), timed("good", 60, 5)])

    assert [(row.entry, row.beaten_by) for row in ranking.rows] == [
        ("fast@2021", None),
        ("good@2021", None),
        ("slow@2021", "good@2021"),
    ]


def test_equals_do_not_beat_each_other() -> None:
    ranking = only([timed("one", 58, 9), timed("two", 58, 9)])

    assert [row.beaten_by for row in ranking.rows] == [None, None]


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=12))
def test_beaten_by_is_set_exactly_for_dominated_rows(points: list[tuple[int, int]]) -> None:
    rows = only([timed(f"n{place}", *point) for place, point in enumerate(points)]).rows

    for row in rows:
        better = {
            other.entry
            for other in rows
            if other.accuracy >= row.accuracy
            and other.milliseconds <= row.milliseconds
            and (other.accuracy, other.milliseconds) != (row.accuracy, row.milliseconds)
        }
        assert row.beaten_by in better if better else row.beaten_by is None


def test_no_ranking_of_the_shipped_catalog_mixes_measurements() -> None:
    found = rank_entries(SHIPPED.all_entries, device="sd865")

    assert len(found.rankings) > 3
    for ranking in found.rankings:
        for row in ranking.rows:
            latencies = [
                latency
                for latency in SHIPPED.find(row.entry).latency
                if latency.milliseconds == row.milliseconds and latency.batch == 1
            ]
            assert {(latency.scope, latency.device) for latency in latencies} == {
                ("network", ranking.timing.device)
            }
    kinds = {ranking.accuracy.scored for ranking in found.rankings}
    assert {"persons", "all categories"} < kinds


def test_unranked_entries_have_a_reason() -> None:
    found = rank_entries(SHIPPED.all_entries, device="sd865", scope="pipeline", precision="fp16")

    reasons = {each.entry: each.reason for each in found.unranked}
    scopes = "timed on sd865 with scope network, not pipeline: the two are not comparable"
    assert reasons["tinypose_128x96@2021"] == scopes
    assert reasons["tinypose_256x256_hand@2024.10"] == "no accuracy figure that can be reproduced"
    assert {row.entry for ranking in found.rankings for row in ranking.rows}.isdisjoint(reasons)


def test_named_entries_with_different_conditions_are_refused() -> None:
    names = ["tinypose_128x96@2021", "picodet_s_192_pedestrian@2021"]
    found = rank_entries([SHIPPED.get(name) for name in names], device="sd865", precision="fp16")

    with pytest.raises(UsageError) as caught:
        require_one_ranking(found, names)

    assert caught.value.code == "not-comparable"
    assert "ground-truth boxes" in str(caught.value.found)
    assert "persons" in str(caught.value.found)


def test_a_device_without_latencies_is_refused() -> None:
    with pytest.raises(UsageError, match="sd888") as caught:
        rank_entries(SHIPPED, device="sd888")
    assert "sd865" in str(caught.value.expected)


def test_entries_can_be_ranked_by_another_metric() -> None:
    (ranking,) = rank_entries(SHIPPED, device="i7_10750h", metric="AP50").rankings

    assert ranking.accuracy.metric == "AP50"
    assert all(any(f.value == row.accuracy for f in SHIPPED.get(row.entry).accuracy) for row in ranking.rows)
