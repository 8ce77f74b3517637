"""Measurements are whole or absent, found by key and id, and damage is reported instead of used."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.errors import IntegrityError, NotFoundError, UsageError
from registry.lock import Lock
from tests.helpers.paths import REPOSITORY
from tests.zoo.measurements.conftest import KEY, MACHINE, Keep
from zoo._utils.cache_root import check_cache
from zoo.measurements.measurement import Conditions, Measurement, digest_key, parse_document
from zoo.measurements.recorder import Recorder
from zoo.measurements.store import MeasurementStore
from zoo.store import Store
from zoo.store.layout import Layout
from zoo.store.prune import PrunePolicy

OTHER = "f" * 32


def files(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "cache/results").iterdir())


def test_what_is_kept_is_found_again(store: MeasurementStore, keep: Keep) -> None:
    kept = keep(0.5, per_image=b"matches")

    assert store.get(kept.id[:6]) == kept
    assert store.find(KEY) == kept
    assert store.find(OTHER) is None
    assert store.per_image(kept) == b"matches"
    assert store.read() == ((kept,), ())


def test_the_newest_of_a_key_is_found(store: MeasurementStore, keep: Keep) -> None:
    keep(0.4)
    newest = keep(0.5)
    keep(0.6, key=OTHER)

    assert store.find(KEY) == newest
    assert [each.figures["AP"] for each in store.read()[0]] == [0.4, 0.5, 0.6]


@pytest.mark.parametrize("name", ["", "0", "zzzz", "0000", "../x", "*", "[a-f]???"])
def test_an_unknown_id_is_an_error(store: MeasurementStore, keep: Keep, name: str) -> None:
    keep()

    with pytest.raises(NotFoundError) as caught:
        store.get(name)

    assert caught.value.code == "result-not-found"


def test_an_ambiguous_id_is_an_error(store: MeasurementStore, keep: Keep, tmp_path: Path) -> None:
    kept = keep()
    (document,) = files(tmp_path)
    document.with_name(f"{OTHER}-{kept.id}.json").write_bytes(document.read_bytes())

    with pytest.raises(UsageError) as caught:
        store.get(kept.id)

    assert caught.value.code == "result-ambiguous"


def test_a_damaged_document_is_reported_and_not_used(
    store: MeasurementStore, keep: Keep, tmp_path: Path
) -> None:
    first, second = keep(0.4), keep(0.5)
    path = tmp_path / f"cache/results/{KEY}-{second.id}.json"
    path.write_bytes(path.read_bytes().replace(b"0.5", b"0.9"))

    assert store.find(KEY) == first
    assert [each.file.path for each in store.read()[1]] == [path]
    with pytest.raises(IntegrityError) as caught:
        store.get(second.id)
    assert caught.value.code == "result-damaged"
    assert store.remove_damaged() == (path,)
    assert store.read() == ((first,), ())


def test_damaged_matches_are_not_used(store: MeasurementStore, keep: Keep) -> None:
    kept = keep(per_image=b"matches")
    (images,) = Path(store._layout.results).glob("*.images")
    images.write_bytes(b"other")

    with pytest.raises(IntegrityError):
        store.per_image(kept)
    images.unlink()
    assert store.per_image(kept) is None


def test_a_document_of_another_version_is_left_alone(
    store: MeasurementStore, keep: Keep, tmp_path: Path
) -> None:
    document = json.loads(keep().document()) | {"version": 2}

    assert parse_document(json.dumps(document).encode(), "0" * 16) is None


@given(st.one_of(st.binary(), st.recursive(st.none() | st.text() | st.integers(), st.lists).map(repr)))
def test_no_content_breaks_the_reader(content: bytes | str) -> None:
    with pytest.raises(IntegrityError) as caught:
        parse_document(content.encode() if isinstance(content, str) else content, "0" * 16)

    assert caught.value.code == "result-unreadable"


@given(
    value=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    text=st.text(st.characters(exclude_categories=["Cs"])),
)
def test_a_document_keeps_every_value(value: float | None, text: str) -> None:
    conditions = Conditions(entry=text, format=text, artifact=text, engine=text, machine=MACHINE)
    kept = Measurement(
        id="0" * 16,
        kind="bench",
        key=KEY,
        created=datetime.now(timezone.utc),
        conditions=conditions,
        figures={text: value},
        result={text: value},
    )

    assert parse_document(kept.document(), kept.id) == kept


def test_keys_differ_by_kind_and_by_every_part() -> None:
    keys = [
        digest_key("validate", a=1, b=None),
        digest_key("compare", a=1, b=None),
        digest_key("validate", a=2, b=None),
        digest_key("validate", a=1),
    ]

    assert len(set(keys)) == len(keys)
    assert digest_key("validate", b=None, a=1) == keys[0]


def test_a_killed_writer_leaves_nothing_that_is_listed(store: MeasurementStore, tmp_path: Path) -> None:
    """The process dies after the matches are on disk and before the document is."""
    program = f"""
import os
from pathlib import Path
import zoo.store.results as results
from tests.zoo.measurements.conftest import KEY, MACHINE
from zoo.measurements.measurement import Conditions
from zoo.measurements.store import MeasurementStore
write = results.replace_bytes
results.replace_bytes = lambda data, path: write(data, path) if path.suffix == ".images" else os._exit(9)
conditions = Conditions(entry="e", format="f", artifact="a", engine="e", machine=MACHINE)
store = MeasurementStore(Path({str(tmp_path / "cache")!r}))
store.add("validate", KEY, conditions, {{}}, {{}}, per_image=b"m")
"""
    ran = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, check=False)

    assert ran.returncode == 9
    (orphan,) = files(tmp_path)
    assert orphan.suffix == ".images"
    assert check_cache(tmp_path / "cache")
    assert store.read() == ((), ())
    assert store.remove_damaged() == (orphan,)


def test_pruning_and_verifying_the_cache_keep_measurements(
    store: MeasurementStore, keep: Keep, tmp_path: Path
) -> None:
    kept = keep(per_image=b"matches")
    cache = Store(tmp_path / "cache")

    cache.prune(PrunePolicy(max_size=0), pins=Lock())
    assert [item.kind for item in cache.items(Lock())] == ["results"]
    assert cache.verify().clean
    assert store.read() == ((kept,), ())


def test_results_are_known_content_of_a_cache_without_its_tag(keep: Keep, tmp_path: Path) -> None:
    keep(per_image=b"matches")
    (tmp_path / "cache/CACHEDIR.TAG").unlink()

    assert not check_cache(tmp_path / "cache")
    (tmp_path / "cache/results/notes.txt").write_text("mine")
    with pytest.raises(UsageError):
        check_cache(tmp_path / "cache")


def test_a_cache_that_cannot_be_written_costs_no_measurement(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    notes: list[str] = []
    conditions = Conditions(entry="e", format="f", artifact="a", engine="e", machine=MACHINE)

    Recorder(tmp_path / "cache", notes.append).keep("bench", KEY, conditions, {}, {})

    assert len(notes) == 1
    assert notes[0].startswith("the measurement was not kept: ")


def test_fresh_recalls_nothing(store: MeasurementStore, keep: Keep, tmp_path: Path) -> None:
    kept = keep()

    assert Recorder(tmp_path / "cache", print).recall(KEY) == kept
    assert Recorder(tmp_path / "cache", print, fresh=True).recall(KEY) is None


def test_the_layout_names_the_folder(tmp_path: Path) -> None:
    assert Layout(tmp_path).results == tmp_path / "results"
