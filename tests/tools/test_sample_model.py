"""Packing: the archive depends only on its content, and the catalog is updated."""

import io
import os
import tarfile
from pathlib import Path

import pytest

import registry
from registry.schema import Digest
from tools.sample_model.make import ARCHIVE, WEIGHTS, pack, update_catalog
from zoo.sample import CATALOG, NAME


def files_in(folder: Path, *, modified: int) -> list[Path]:
    folder.mkdir()
    paths = [folder / name for name in ("model.pdiparams", "infer_cfg.yml", "model.pdmodel")]
    for path in paths:
        path.write_bytes(path.name.encode() * 1000)
        os.utime(path, (modified, modified))
    return paths


def test_an_archive_depends_on_names_and_content_alone(tmp_path: Path) -> None:
    first = pack(files_in(tmp_path / "first", modified=1_000_000_000))
    second = pack(files_in(tmp_path / "second", modified=1_700_000_000)[::-1])

    assert first == second
    with tarfile.open(fileobj=io.BytesIO(first)) as archive:
        names = [f"{NAME}/{name}" for name in ("infer_cfg.yml", "model.pdiparams", "model.pdmodel")]
        assert archive.getnames() == names
        assert {(one.mtime, one.uid, one.gid, one.uname, one.mode) for one in archive.getmembers()} == {
            (0, 0, 0, "", 0o644)
        }
        assert archive.extractfile(names[2]).read() == b"model.pdmodel" * 1000  # type: ignore[union-attr]


def test_new_figures_are_stated_and_nothing_else_changes(tmp_path: Path) -> None:
    text = CATALOG.read_text(encoding="utf-8")
    digests = {ARCHIVE: Digest(sha256="a" * 64, size=11), WEIGHTS: Digest(sha256="5" * 64, size=22)}

    changed = tmp_path / "catalog.yaml"
    changed.write_text(update_catalog(text, digests, accuracy=0.81249), encoding="utf-8")

    entry = registry.load(changed).get(NAME)
    assert entry.artifact("inference").digest == digests[ARCHIVE]  # type: ignore[union-attr]
    assert entry.artifact("weights").digest == digests[WEIGHTS]  # type: ignore[union-attr]
    assert entry.accuracy[0].value == 81.2
    different = [
        line
        for line, other in zip(text.splitlines(), changed.read_text().splitlines(), strict=True)
        if line != other
    ]
    assert len(different) == 3


def test_a_catalog_without_the_place_for_a_figure_is_refused() -> None:
    with pytest.raises(ValueError, match="metric: AP"):
        update_catalog("schema: 1\nentries: []\n", {}, accuracy=0.5)
