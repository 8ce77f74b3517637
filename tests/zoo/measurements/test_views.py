"""Differences, tables, exports and pruning of measurements."""

from __future__ import annotations

import csv
import json
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from registry.errors import MissingToolError, UsageError
from tests.zoo.measurements.conftest import Keep
from zoo.measurements.diff import diff
from zoo.measurements.export import export
from zoo.measurements.prune import ResultsPolicy, select
from zoo.measurements.store import MeasurementStore
from zoo.measurements.table import Row, rows_of

OTHER = "f" * 32


def test_a_diff_names_conditions_and_figures(keep: Keep) -> None:
    found = diff(keep(0.5), keep(0.25, engine="paddle 3.2.2"))

    assert [(each.name, each.before, each.after) for each in found.conditions] == [
        ("engine", "onnxruntime 1.23", "paddle 3.2.2")
    ]
    assert [(each.name, each.difference) for each in found.figures] == [("AP", -0.25)]
    assert not found.same
    assert diff(keep(0.5), keep(0.5)).same
    assert diff(keep(None), keep(0.5)).figures[0].difference is None


def test_measurements_of_two_commands_have_no_difference(keep: Keep) -> None:
    with pytest.raises(UsageError) as caught:
        diff(keep(), keep(kind="bench"))

    assert caught.value.code == "results-not-comparable"


def test_csv_has_a_row_for_each_figure(keep: Keep, tmp_path: Path) -> None:
    kept = [keep(0.5), keep(None)]

    export(kept, tmp_path / "x.csv")

    with (tmp_path / "x.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["id"], row["figure"], row["value"]) for row in rows] == [
        (kept[0].id, "AP", "0.5"),
        (kept[1].id, "AP", ""),
    ]
    assert tuple(rows[0]) == Row._fields


@pytest.mark.parametrize("count", [0, 2])
def test_parquet_has_the_same_rows(keep: Keep, tmp_path: Path, count: int) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    kept = [keep(0.5), keep(None)][:count]

    export(kept, tmp_path / "x.parquet")

    table = parquet.read_table(tmp_path / "x.parquet")
    assert tuple(table.column_names) == Row._fields
    assert [tuple(row.values()) for row in table.to_pylist()] == [tuple(row) for row in rows_of(kept)]
    assert str(table.schema.field("value").type) == "double"


def test_json_lines_are_complete(keep: Keep, tmp_path: Path) -> None:
    kept = keep(0.5)

    export([kept], tmp_path / "x.jsonl")

    assert json.loads((tmp_path / "x.jsonl").read_text()) == kept.model_dump(mode="json")


@pytest.mark.parametrize("name", ["x", "x.xlsx", "x.json.gz"])
def test_another_suffix_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError) as caught:
        export([], tmp_path / name)

    assert caught.value.code == "export-format-unsupported"
    assert not (tmp_path / name).exists()


def test_parquet_without_pyarrow_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(MissingToolError) as caught:
        export([], tmp_path / "x.parquet")

    assert caught.value.code == "pyarrow-missing"
    assert "paddle-zoo[parquet]" in str(caught.value.hint)


def test_pruning_selects_what_a_rule_names(keep: Keep, store: MeasurementStore) -> None:
    first, second, other = keep(0.4), keep(0.5), keep(0.6, key=OTHER)
    now = other.created + timedelta(days=2)
    kept = store.read()[0]

    assert select(kept, ResultsPolicy(keep=1), now) == [first]
    assert select(kept, ResultsPolicy(older_than=timedelta(days=1)), now) == [first, second, other]
    assert select(kept, ResultsPolicy(older_than=timedelta(days=3)), now) == []
    assert ResultsPolicy().empty
