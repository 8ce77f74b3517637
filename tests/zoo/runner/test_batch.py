"""A model over files: ids, names of the copies, links, and files that cannot be read or written."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from registry.errors import UsageError
from zoo.runner.batch import RESULTS, RunResult, run_on_files
from zoo.runner.images import Image
from zoo.runner.loading import RunConfig


class FakeRunner:
    """Finds one box in every image."""

    detector = None
    model = SimpleNamespace(
        entry=SimpleNamespace(id="fake@1"),
        config=RunConfig(),
        session=SimpleNamespace(engine="fake", engine_version="0"),
    )

    def __call__(self, image: Image) -> Image:
        return image

    def records(self, image: Image, image_id: int | str) -> Sequence[dict[str, Any]]:
        return [{"image_id": image_id, "category_id": 1, "bbox": [0.0, 0.0, 1.0, 1.0], "score": 0.9}]

    def draw(self, image: Image, result: Image) -> Image:
        return image


def image(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    _, encoded = cv2.imencode(".png", np.full((8, 8, 3), 99, np.uint8))
    path.write_bytes(encoded.tobytes())
    return path


def run(files: Sequence[Path], out: Path | None = None) -> RunResult:
    return run_on_files(FakeRunner(), files, out=out, jobs=2)  # type: ignore[arg-type]


def test_numbers_are_ids_unless_two_files_have_the_same(tmp_path: Path) -> None:
    names = ["a/7.png", "b/7.png", "c/007.png", "a/000000002261.png", "a/x.png", f"a/{'9' * 40}.png"]
    files = [image(tmp_path / name) for name in names]
    found = run(files)
    ids = [record["image_id"] for record in found.results]
    assert ids == [str(files[0]), str(files[1]), str(files[2]), 2261, str(files[4]), str(files[5])]
    assert ids == [each.image_id for each in found.images]
    (note,) = found.notes
    assert note.startswith("3 images have names with the same number")
    assert run(files[3:]).notes == ()


def test_copies_of_equal_names_are_numbered(tmp_path: Path) -> None:
    names = ["a/x.png", "b/x.png", "b/X.png", "a/x.jpg", "a/x-2.png"]
    files = [image(tmp_path / name) for name in names]
    found = run(files, tmp_path / "out")
    written = [path.name for path in found.written[:-1]]
    assert len({name.casefold() for name in written}) == len(names)
    assert all((tmp_path / "out" / name).is_file() for name in written)
    assert found.written[-1].name == RESULTS


@pytest.mark.parametrize("stem", ["x" * 251, "ä" * 125, "人" * 83, "x" + "ä" * 125])
def test_long_names_are_shortened(tmp_path: Path, stem: str) -> None:
    files = [
        image(tmp_path / f"{stem}.png"),
        image(tmp_path / "b" / f"{stem}.png"),
        image(tmp_path / "1.png"),
    ]
    found = run(files, tmp_path / "out")
    assert not found.failures
    copies = found.written[:-1]
    assert len(set(copies)) == 3
    assert all(path.is_file() and len(os.fsencode(path.name)) <= 255 for path in copies)
    assert len(json.loads((tmp_path / "out" / RESULTS).read_text())) == 3


def test_names_that_are_not_text_are_written(tmp_path: Path) -> None:
    try:
        file = image(tmp_path / os.fsdecode(b"\xff\xfe.png"))
    except OSError:
        pytest.skip("this file system has names in UTF-8 only")
    found = run([file, image(tmp_path / "1.png")], tmp_path / "out")
    assert not found.failures
    assert len(json.loads((tmp_path / "out" / RESULTS).read_text())) == 2


def test_links_in_the_output_folder_are_replaced_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    out = tmp_path / "out"
    out.mkdir()
    for name in ("x.annotated.jpg", RESULTS):
        (out / name).symlink_to(victim)
    run([image(tmp_path / "x.png")], out)
    assert victim.read_text() == "precious"
    assert not (out / "x.annotated.jpg").is_symlink()
    assert cv2.imread(str(out / "x.annotated.jpg")) is not None


def video(path: Path) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 5, (64, 48))
    if not writer.isOpened():
        pytest.skip("this OpenCV has no MPEG-4 encoder")
    for shade in (0, 99, 199):
        writer.write(np.full((48, 64, 3), shade, np.uint8))
    writer.release()
    return path


def test_a_video_is_written_whole_and_through_no_link(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    out = tmp_path / "out"
    out.mkdir()
    (out / "clip.annotated.mp4").symlink_to(victim)
    found = run([video(tmp_path / "clip.mp4")], out)
    assert victim.read_text() == "precious"
    assert sorted(path.name for path in out.iterdir()) == ["clip.annotated.mp4", RESULTS]
    assert cv2.VideoCapture(str(out / "clip.annotated.mp4")).get(cv2.CAP_PROP_FRAME_COUNT) == 3
    assert [each.image_id for each in found.images] == [f"{tmp_path / 'clip.mp4'}#{n}" for n in range(3)]


def test_a_copy_that_cannot_be_written_does_not_end_the_run(tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "b.annotated.jpg").mkdir(parents=True)
    files = [image(tmp_path / name) for name in ("a.png", "b.png", "c.png")]
    found = run(files, out)
    (failure,) = found.failures
    assert (failure.file, failure.error["code"]) == (files[1], "output-not-writable")
    assert len(found.results) == 3
    assert [path.name for path in found.written] == ["a.annotated.jpg", "c.annotated.jpg", RESULTS]


def test_a_folder_that_cannot_be_written_ends_the_run_before_it_starts(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError) as caught:
        run([image(tmp_path / "a.png")], tmp_path / "file")
    assert caught.value.code == "output-not-writable"


def test_files_that_cannot_be_read_are_failures(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("text")
    files = [tmp_path / "text.png", image(tmp_path / "a.png"), tmp_path / "gone.png"]
    found = run(files)
    assert [failure.error["code"] for failure in found.failures] == ["image-unreadable", "image-not-found"]
    assert len(found.results) == 1
    with pytest.raises(UsageError):
        run(files[:1])
