"""zoo cache: listing, verifying and pruning."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.helpers.zoo_process import Zoo
from zoo.sample import NAME

FETCHED = [f"{NAME}@1/inference", f"{NAME}@1/weights"]


@pytest.fixture
def zoo(tmp_path: Path, upstream: Path) -> Zoo:
    zoo = Zoo(tmp_path)
    ran = zoo("fetch", NAME, "--all", "--mirror", upstream)
    assert ran.code == 0, ran.err
    return zoo


def age(zoo: Zoo, days: float) -> None:
    for manifest in (zoo.folder / "cache/artifacts").rglob("manifest.json"):
        os.utime(manifest, (time.time() - days * 86_400,) * 2)


def test_an_empty_cache_prints_nothing_on_stdout(tmp_path: Path) -> None:
    ran = Zoo(tmp_path)("cache", "ls")

    assert (ran.code, ran.out) == (0, "")
    assert "0 items, 0 B" in ran.err


def test_ls_shows_names_sizes_and_ages(zoo: Zoo) -> None:
    age(zoo, 3)
    ran = zoo("cache", "ls")

    assert [line.split()[1] for line in ran.lines[1:]] == FETCHED
    assert all("3 d" in line for line in ran.lines[1:])
    items = zoo("cache", "ls", "--json").json["items"]
    real = sum(path.stat().st_size for path in (zoo.folder / "cache").rglob("*") if path.is_file())
    lock = sum((zoo.folder / "cache" / name).stat().st_size for name in ("lock.json", "CACHEDIR.TAG"))
    assert sum(item["size"] for item in items) == real - lock


def test_verify_is_zoo_verify(zoo: Zoo) -> None:
    assert zoo("cache", "verify").out == zoo("verify").out == ""
    member = next((zoo.folder / "cache/artifacts").rglob("*.pdiparams"))
    member.write_bytes(bytes(member.stat().st_size))

    first, second = zoo("cache", "verify", "--json"), zoo("verify", "--json")

    assert (first.code, first.out) == (second.code, second.out)
    assert first.code == 1


def test_prune_reports_what_it_removed_and_kept_and_why(zoo: Zoo) -> None:
    assert zoo("cache", "prune", "--max-size", "1kB").lines == []
    age(zoo, 40)
    zoo("lock", NAME)

    kept = zoo("cache", "prune", "--older-than", "30d")
    assert kept.lines == []
    assert kept.err.count("locked by zoo.lock") == 2
    planned = zoo("cache", "prune", "--older-than", "30d", "--include-locked", "--dry-run")
    done = zoo("cache", "prune", "--older-than", "30d", "--include-locked")

    assert all(any(name in line for line in done.lines) for name in FETCHED)
    assert [line.removeprefix("would remove") for line in planned.lines] == [
        line.removeprefix("removed") for line in done.lines
    ]
    assert "nothing remains" in done.err
    assert zoo("cache", "prune", "--json").json == {"removed": [], "kept": [], "freed": 0, "remaining": 0}


@pytest.mark.parametrize("wrong", [["--older-than", "soon"], ["--max-size", "big"], ["--keep-recent", "-1h"]])
def test_an_invalid_duration_or_size_is_a_usage_error(tmp_path: Path, wrong: list[str]) -> None:
    ran = Zoo(tmp_path)("cache", "prune", *wrong)

    assert ran.code == 2
    assert "error[bad-" in ran.err


def test_verify_suggests_a_repair_and_repairs(zoo: Zoo) -> None:
    member = next((zoo.folder / "cache/artifacts").rglob("*.pdiparams"))
    content = member.read_bytes()
    member.write_bytes(bytes(len(content)))
    (zoo.folder / "cache/artifacts").joinpath("mine.txt").write_text("not of the program")

    found = zoo("verify")
    repaired = zoo("verify", "--repair", "--offline")

    assert (found.code, len(found.lines)) == (1, 1)
    assert found.err.endswith("try: zoo verify --repair\n")
    assert (repaired.code, repaired.out) == (0, ""), repaired.err
    assert "is damaged: moved to" in repaired.err
    assert "was fetched again" in repaired.err
    assert member.read_bytes() == content
    assert zoo("verify").code == 0


def test_a_repair_that_needs_the_network_says_so(zoo: Zoo) -> None:
    weights = next((zoo.folder / "cache/artifacts").rglob("*.safetensors"), None)
    archive = next((zoo.folder / "cache/blobs").rglob("*/*/*"))
    archive.write_bytes(bytes(archive.stat().st_size))
    assert weights is None or weights.is_file()

    ran = zoo("verify", "--repair", "--offline")

    assert ran.code == 4
    assert "error[offline]" in ran.err
    assert zoo("verify", "--repair").code == 0
    assert zoo("verify").code == 0
