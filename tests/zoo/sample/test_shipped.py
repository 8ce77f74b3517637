"""The shipped entry: its files and the accuracy of its model match its catalog."""

import tarfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

import registry
from converters.formats import inspect
from converters.fs.atomic import sha256_of
from converters.toolchain import Toolchains
from converters.toolchain.pins import PADDLE
from registry import Entry
from tools.sample_model.make import ARCHIVE, WEIGHTS, export_model, measure_accuracy
from tools.sample_model.train import Plan, plain_batch, samples
from zoo.runner.sessions import Session, open_session
from zoo.sample import CATALOG, DATA, NAME
from zoo.sample.figures import write_coco
from zoo.sample.skeleton import JOINTS
from zoo.settings import Settings

needs_paddle = pytest.mark.skipif(
    find_spec("paddle") is None, reason="running the model needs paddle, which is not installed here"
)


@pytest.fixture(scope="module")
def entry() -> Entry:
    return registry.load(CATALOG).get(NAME)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpack the shipped inference model."""
    folder = tmp_path_factory.mktemp("shipped")
    with tarfile.open(DATA / ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    return folder / NAME


@pytest.fixture(scope="module")
def session(model: Path) -> Iterator[Session]:
    with open_session(model, "paddle") as opened:
        yield opened


def test_the_entry_can_be_loaded_with_the_shipped_catalog() -> None:
    entries = registry.load(registry.SHIPPED, CATALOG)

    assert entries.get(NAME).id == f"{NAME}@1"


def test_every_address_has_its_file_with_the_stated_digest(entry: Entry) -> None:
    names = []
    for artifact in entry.artifacts:
        parts = urlsplit(artifact.urls[0])
        assert parts.hostname == "sample.invalid"  # a name that no resolver may answer (RFC 6761)
        path = DATA / Path(parts.path).name
        assert artifact.digest is not None
        assert (sha256_of(path), path.stat().st_size) == (artifact.digest.sha256, artifact.digest.size)
        names.append(path.name)
    assert sorted(names) == sorted(path.name for path in DATA.iterdir())


def test_the_files_are_small(entry: Entry) -> None:
    assert sum(path.stat().st_size for path in DATA.iterdir()) < 3_000_000


def test_the_figures_have_the_joints_of_the_entry(entry: Entry) -> None:
    assert entry.output.kind == "heatmap"
    assert entry.output.joints == JOINTS
    assert all(
        JOINTS[left].removeprefix("left") == JOINTS[right].removeprefix("right")
        for left, right in entry.output.flip_pairs
    )


def test_the_archive_holds_a_release_as_upstream_packs_one(entry: Entry, model: Path) -> None:
    with tarfile.open(DATA / ARCHIVE) as archive:
        names = [f"{NAME}/{name}" for name in ("infer_cfg.yml", "model.pdiparams", "model.pdmodel")]
        assert archive.getnames() == names
    found = inspect(model)
    assert found.format == "program"
    assert [tensor.shape for tensor in found.inputs] == [(None, 3, 128, 96)]
    assert [tensor.shape for tensor in found.outputs] == [(None, 17, 32, 24), (None, 17)]
    assert [tensor.dtype for tensor in found.outputs] == ["float32", "int64"]


def test_the_program_contains_no_path_of_the_build_machine(model: Path) -> None:
    program = (model / "model.pdmodel").read_bytes()

    for trace in (b"op_callstack", b".py", b"/usr", b"/home", b"/tmp"):
        assert trace not in program


@needs_paddle
def test_the_stated_accuracy_holds_on_the_first_held_out_images(
    entry: Entry, session: Session, tmp_path: Path
) -> None:
    """On 60 of the 500 images the sampling error is about 1.5 points; the tolerance is 4 points."""
    write_coco(tmp_path, count=60)

    found = measure_accuracy(session, tmp_path)

    assert found.images == 60
    assert found.metrics.AP is not None
    percent = 100 * found.metrics.AP
    assert percent == pytest.approx(entry.accuracy[0].value, abs=4)


@needs_paddle
def test_heatmaps_are_in_a_range_that_fp16_represents_well(session: Session) -> None:
    batch = plain_batch(samples(first=2_000_000, count=20), Plan())

    maps = next(iter(session.run({"image": batch.tensor}).values()))

    assert -0.5 < maps.min() < 0.1
    assert 0.6 < maps.max() < 1.5
    assert np.abs(maps - batch.maps).mean() < 0.02


@needs_paddle
def test_the_shipped_weights_export_to_the_shipped_model(
    session: Session, model: Path, tmp_path: Path, toolchain_root: Path
) -> None:
    interpreter = Toolchains(toolchain_root).ensure(PADDLE, lambda _: None)
    again = export_model(DATA / WEIGHTS, tmp_path / NAME, interpreter, Settings(cache=tmp_path))
    tensor = plain_batch(samples(first=2_000_000, count=3), Plan()).tensor

    with open_session(again.folder, "paddle") as other:
        pairs = zip(
            session.run({"image": tensor}).values(), other.run({"image": tensor}).values(), strict=True
        )
        for shipped, made in pairs:
            np.testing.assert_array_equal(shipped, made)
    assert again.config.read_bytes() == (model / "infer_cfg.yml").read_bytes()
