"""Training: the targets match the decoder, and the result is reproducible."""

import hashlib
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.timing import deadline
from tools.sample_model.recipe import recipe
from tools.sample_model.train import Plan, Sample, batches, heatmaps, plain_batch, samples
from zoo.runner.geometry import compute_regions, map_from_heatmap
from zoo.runner.postprocess.heatmaps import decode_heatmaps

PLAN = Plan(batch=4)


@pytest.fixture(scope="module")
def pool() -> list[Sample]:
    return samples(first=0, count=6)


def test_perfect_heat_maps_decode_to_the_joints_they_were_made_from(pool: list[Sample]) -> None:
    protocol, image = recipe().protocol, recipe().image
    for sample, maps in zip(pool, plain_batch(pool, PLAN).maps, strict=True):
        regions = compute_regions(
            sample.corners[None],
            protocol.crop,
            input_size=(image.width, image.height),
            image_size=sample.image.shape[1::-1],
        )
        to_image = map_from_heatmap(regions, protocol.decoder, (maps.shape[2], maps.shape[1]))
        points = to_image.apply(decode_heatmaps(maps[None], protocol.decoder).points)[0]
        # A peak on the edge of a map is not refined: up to half a cell is left there.
        cell = float(to_image.scale.max())
        seen = sample.keypoints[:, 2] > 0
        far = np.abs(points - sample.keypoints[:, :2])[seen].max(axis=1)
        assert (far <= 0.5 * cell + 1e-6).all()
        assert np.median(far) < 0.05 * cell


def test_a_joint_that_is_not_in_the_image_has_an_empty_map() -> None:
    joints = np.full((17, 2), 40.0)
    labeled = np.arange(17) != 5

    maps = heatmaps(joints, labeled, sigma=1.5)

    assert not maps[5].any()
    assert maps[4].max() == pytest.approx(1, abs=0.05)


def test_an_epoch_shows_every_person_once_and_half_of_them_mirrored(pool: list[Sample]) -> None:
    rng = np.random.Generator(np.random.PCG64(0))

    shown = list(batches(pool, PLAN, rng))

    assert len(shown) == len(pool) // PLAN.batch
    assert {batch.tensor.shape for batch in shown} == {(4, 3, 128, 96)}
    assert {batch.maps.shape for batch in shown} == {(4, 17, 32, 24)}


def test_a_mirrored_crop_has_its_sides_renamed(monkeypatch: pytest.MonkeyPatch, pool: list[Sample]) -> None:
    """Mirrored heatmaps of one person are the others reversed, with left and right joints exchanged."""
    monkeypatch.setattr("tools.sample_model.train._jittered", lambda sample, _: sample)
    one = pool[:1] * 16
    batch = next(iter(batches(one, Plan(batch=16), np.random.Generator(np.random.PCG64(3)))))

    plain = plain_batch(pool[:1], PLAN)
    mirrored = [index for index in range(16) if (batch.tensor[index] != plain.tensor[0]).any()]

    assert 2 < len(mirrored) < 14
    partners = [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15]
    for index in mirrored:
        assert (batch.tensor[index] == plain.tensor[0][..., ::-1]).all()
        assert (batch.maps[index] == plain.maps[0][partners][..., ::-1]).all()


@pytest.mark.skipif(find_spec("paddle") is None, reason="training needs paddle, which is not installed here")
def test_the_same_seed_trains_the_same_weights_bit_for_bit(tmp_path: Path) -> None:
    digests = []
    for run in ("first", "second"):
        command = [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "tools.sample_model.train",
            "--out",
            str(tmp_path / run),
        ]
        command += ["--images", "30", "--epochs", "1", "--warmup", "1"]
        subprocess.run(command, check=True, capture_output=True, timeout=deadline(300))
        digests.append(hashlib.sha256((tmp_path / run / "weights.safetensors").read_bytes()).hexdigest())

    assert digests[0] == digests[1]
