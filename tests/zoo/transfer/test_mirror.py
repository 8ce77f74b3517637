"""zoo mirror: complete files under the paths of their addresses, copied once, never changed silently."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from registry.errors import IntegrityError, NotFoundError, UsageError
from registry.lock import Lock
from tests.helpers.servers import serve_folder
from zoo import api
from zoo.api.transfer import mirror
from zoo.artifacts.spec import FetchOptions
from zoo.catalogs.sources import load_registry
from zoo.sample import NAME
from zoo.settings import Settings


def states(settings: Settings, place: Path | str, **options: object) -> list[str]:
    report = mirror(place, [NAME], settings=settings, **options)  # type: ignore[arg-type]
    return [item.state for item in report.items]


def tree(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def test_it_contains_the_files_the_indexes_and_nothing_else(
    settings: Settings, tmp_path: Path, paths: list[str], upstream: Path
) -> None:
    report = mirror(tmp_path / "m", [NAME], settings=settings)

    assert [item.path for item in report.items] == paths
    assert {item.state for item in report.items} == {"copied"}
    assert tree(tmp_path / "m") == sorted([*paths, "SHA256SUMS", "index.json", "zoo.lock"])
    assert all((tmp_path / "m" / path).read_bytes() == (upstream / path).read_bytes() for path in paths)
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=tmp_path / "m", check=True)
    index = json.loads((tmp_path / "m/index.json").read_text())
    assert [item["path"] for item in index["files"]] == paths


def test_a_project_with_the_mirrors_lock_can_fetch_from_it(settings: Settings, tmp_path: Path) -> None:
    mirror(tmp_path / "m", [NAME], settings=settings)
    (Path.cwd() / "zoo.lock").write_bytes((tmp_path / "m/zoo.lock").read_bytes())
    with serve_folder(tmp_path / "m") as server:
        other = replace(settings, cache=tmp_path / "other", mirrors=(server.url,))
        found = api.fetch(NAME, locked=True, settings=other)

    assert found.path.is_dir()
    assert found.url.startswith(server.url)


def test_a_present_file_is_not_requested_again(settings: Settings, tmp_path: Path, upstream: Path) -> None:
    with serve_folder(upstream) as server:
        served = replace(settings, mirrors=(server.url,))
        assert set(states(served, tmp_path / "m")) == {"copied"}
        asked = len(server.log)
        before = {file: file.stat().st_mtime_ns for file in (tmp_path / "m").rglob("*") if file.is_file()}
        assert set(states(served, tmp_path / "m")) == {"present"}
        # Nor by a machine with the mirror's disk and an empty store.
        assert set(states(replace(served, cache=tmp_path / "fresh"), tmp_path / "m")) == {"present"}
        # A second mirror is copied from the store.
        assert set(states(served, tmp_path / "m2")) == {"copied"}

        assert len(server.log) == asked == 2
    assert before == {file: file.stat().st_mtime_ns for file in before}


def test_a_damaged_or_missing_file_is_copied_again(
    settings: Settings, tmp_path: Path, paths: list[str], upstream: Path
) -> None:
    mirror(tmp_path / "m", [NAME], settings=settings)
    damaged, gone = (tmp_path / "m" / path for path in paths)
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"!")
    gone.unlink()
    assert states(settings, tmp_path / "m", dry_run=True) == ["missing", "missing"]

    assert states(settings, tmp_path / "m") == ["copied", "copied"]

    assert damaged.read_bytes() == (upstream / paths[0]).read_bytes()
    assert gone.is_file()


def test_one_missing_file_does_not_prevent_the_others(
    settings: Settings, tmp_path: Path, paths: list[str], upstream: Path
) -> None:
    half = tmp_path / "half"
    (half / paths[1]).parent.mkdir(parents=True)
    (half / paths[1]).write_bytes((upstream / paths[1]).read_bytes())

    report = mirror(tmp_path / "m", [NAME], settings=replace(settings, mirrors=(str(half),)))

    assert [item.state for item in report.items] == ["failed", "copied"]
    assert (report.exit_code, report.items[0].error) == (4, report.items[0].error)
    assert str(report.items[0].error).startswith("not-on-server: ")
    assert states(settings, tmp_path / "m") == ["copied", "present"]


def test_a_file_of_the_mirror_never_changes_silently(
    settings: Settings, tmp_path: Path, paths: list[str]
) -> None:
    mirror(tmp_path / "m", [NAME], settings=settings)
    lock = tmp_path / "m/zoo.lock"
    locked = Lock.parse(lock.read_text(), lock)
    url, line = next(iter(locked.artifacts.items()))
    lock.write_text(locked.with_replaced(url, line.model_copy(update={"sha256": "0" * 64})).dump())

    report = mirror(tmp_path / "m", [NAME], settings=replace(settings, cache=tmp_path / "fresh"))

    assert report.exit_code == 5
    assert "digest-changed" in str([item.error for item in report.items])
    assert (tmp_path / "m" / paths[0]).is_file()


def test_the_projects_lock_applies(settings: Settings, tmp_path: Path) -> None:
    mirror(tmp_path / "m", [NAME], settings=settings)
    text = (tmp_path / "m/zoo.lock").read_text()
    locked = Lock.parse(text, tmp_path)
    url, line = next(iter(locked.artifacts.items()))
    (Path.cwd() / "zoo.lock").write_text(
        Lock().with_replaced(url, line.model_copy(update={"sha256": "0" * 64})).dump()
    )

    with pytest.raises(IntegrityError) as caught:
        mirror(tmp_path / "m", [NAME], settings=settings)

    assert caught.value.code == "digest-changed"


def test_a_dry_run_writes_nothing(settings: Settings, tmp_path: Path) -> None:
    assert set(states(settings, tmp_path / "m", dry_run=True)) == {"missing"}

    assert not (tmp_path / "m").exists()
    assert not (settings.cache / "artifacts").exists()


def test_a_selection_by_kind_task_and_family(settings: Settings, tmp_path: Path) -> None:
    request = FetchOptions(weights=True)
    chosen = {"task": "keypoint_detection", "family": "tinypose"}
    report = mirror(tmp_path / "m", request=request, dry_run=True, settings=settings, **chosen)

    assert {item.artifact.split("-")[0] for item in report.items} == {"weights"}
    entries = load_registry(settings)
    found = {(entry.task, entry.family) for entry in (entries.get(item.entry) for item in report.items)}
    assert found == {("keypoint_detection", "tinypose")}
    assert len(report.items) > 2

    with pytest.raises(NotFoundError) as caught:
        mirror(tmp_path / "m", [NAME], FetchOptions(onnx="fp32"), settings=settings)
    assert caught.value.code == "nothing-to-mirror"


@pytest.mark.parametrize(
    ("place", "code"),
    [("https://mirror.example/x", "mirror-read-only"), ("file://host/x", "bad-mirror")],
)
def test_an_unwritable_target_is_a_usage_error(settings: Settings, place: str, code: str) -> None:
    with pytest.raises(UsageError) as caught:
        mirror(place, [NAME], settings=settings)

    assert caught.value.code == code


def test_a_bucket_can_be_written_and_fetched_from(
    settings: Settings, tmp_path: Path, paths: list[str]
) -> None:
    fsspec = pytest.importorskip("fsspec", reason="pip install 'paddle-zoo[mirrors]'")
    memory = fsspec.filesystem("memory")
    try:
        assert states(settings, "memory://bucket/zoo") == ["copied", "copied"]
        assert states(replace(settings, cache=tmp_path / "fresh"), "memory://bucket/zoo") == ["present"] * 2
        assert sorted(memory.find("/bucket")) == sorted(
            f"/bucket/zoo/{name}" for name in [*paths, "SHA256SUMS", "index.json", "zoo.lock"]
        )
        other = replace(settings, cache=tmp_path / "other", mirrors=("memory://bucket/zoo",))
        assert api.fetch(NAME, settings=other).path.is_dir()
    finally:
        memory.rm("/bucket", recursive=True)


def test_an_invalid_source_mirror_stops_the_command(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        mirror(tmp_path / "m", [NAME], settings=replace(settings, mirrors=("s3://me:s3cr3t@bucket",)))

    assert caught.value.code == "bad-mirror"
    assert not (tmp_path / "m").exists()


def test_a_mirror_without_files_is_not_created(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    report = mirror(tmp_path / "m", [NAME], settings=replace(settings, mirrors=(str(tmp_path / "empty"),)))

    assert report.exit_code == 4
    assert not (tmp_path / "m").exists()
