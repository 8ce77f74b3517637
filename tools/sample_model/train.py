"""Train the sample model on the CPU, from a seed.

    python -m tools.sample_model.train --out trained

It uses one thread so that sums have a fixed order and equal seeds give bit-identical weights on one machine
with one version of paddle. Another processor or version rounds differently and gives another model of the
same quality.
"""

from __future__ import annotations

import argparse
import logging
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from converters.checkpoints import write_safetensors
from tools.sample_model.recipe import recipe
from zoo._utils.arrays import Array, Bytes, Doubles, Floats
from zoo.runner.geometry import map_to_input
from zoo.runner.images import Image
from zoo.runner.preprocess import prepare_persons
from zoo.sample.figures import draw_image
from zoo.sample.skeleton import JOINTS

# An explicit name: as a command, this module is called __main__.
_log = logging.getLogger("tools.sample_model.train")

WEIGHTS = "weights.safetensors"

VALIDATION = 900_000
"""First seed of the validation images; they are neither used for training nor for the published figure."""

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class Plan:
    """Hyperparameters of the training.

    Attributes:
        images: Number of training images, with seeds from 0; about 1.8 persons per image.
        epochs: Number of epochs.
        batch: Persons per step.
        rate: Maximum learning rate of Adam, after the warm-up; it decays to 0 along half a cosine.
        warmup: Number of steps of the learning rate warm-up.
        sigma: Standard deviation of the Gaussian around each joint, in heatmap cells.
        seed: Seed of initial weights, order and augmentation.
    """

    images: int = 5000
    epochs: int = 8
    batch: int = 12
    rate: float = 3e-3
    warmup: int = 400
    sigma: float = 1.5
    seed: int = 1


@dataclass(frozen=True, eq=False)
class Sample:
    """One training person.

    Attributes:
        image: The whole image, RGB.
        corners: ``(4,)`` x1, y1, x2, y2.
        keypoints: ``(17, 3)`` as in `zoo.sample.figures.Person`.
    """

    image: Bytes
    corners: Doubles
    keypoints: Doubles


@dataclass(frozen=True, eq=False)
class Batch:
    """Inputs and targets of one step.

    Attributes:
        tensor: ``(N, 3, height, width)`` normalized crops.
        maps: ``(N, 17, rows, columns)`` target heatmaps, 0 to 1.
    """

    tensor: Floats
    maps: Floats


def samples(first: int, count: int) -> list[Sample]:
    """Draw ``count`` images with seeds from ``first`` and list all persons in them."""
    found = []
    for seed in range(first, first + count):
        made = draw_image(seed)
        for person in made.persons:
            x, y, width, height = person.box
            corners = np.array([x, y, x + width - 1, y + height - 1])
            found.append(Sample(made.image, corners, person.keypoints))
    return found


def batches(pool: Sequence[Sample], plan: Plan, rng: np.random.Generator) -> Iterator[Batch]:
    """Make the full batches of one epoch: random order, jittered boxes, half of the persons mirrored."""
    order = rng.permutation(len(pool))
    for start in range(0, len(order) - plan.batch + 1, plan.batch):
        chosen = [pool[index] for index in order[start : start + plan.batch]]
        batch = plain_batch([_jittered(sample, rng) for sample in chosen], plan)
        mirrored = rng.random(plan.batch) < 0.5
        batch.tensor[mirrored] = batch.tensor[mirrored][..., ::-1]
        batch.maps[mirrored] = batch.maps[mirrored][:, _mirror_partners()][..., ::-1]
        yield batch


def plain_batch(chosen: Sequence[Sample], plan: Plan) -> Batch:
    """Crop persons as in the evaluation protocol and make their target heatmaps."""
    image, crop = recipe().image, recipe().protocol.crop
    tensors, maps = [], []
    for sample in chosen:
        whole = Image(sample.image, "rgb")
        prepared = prepare_persons(whole, sample.corners[None], image, crop, "host")
        to_crop = map_to_input(prepared.regions, crop, (image.width, image.height))
        joints = to_crop.apply(sample.keypoints[None, :, :2])[0]
        tensors.append(prepared.tensor)
        maps.append(heatmaps(joints, sample.keypoints[:, 2] > 0, plan.sigma))
    return Batch(np.concatenate(tensors), np.stack(maps))


def heatmaps(joints: Array, labeled: Array, sigma: float) -> Floats:
    """Make a Gaussian of height 1 around each joint; the heatmap of an unlabeled joint is zero.

    Args:
        joints: ``(17, 2)`` x, y in network input pixels.
        labeled: ``(17,)`` whether the joint is labeled.
        sigma: Standard deviation in cells.

    Returns:
        ``(17, rows, columns)``. First and last cells are at the first and last pixels, as in the decoder's
        unbiased back-projection.
    """
    image, stride = recipe().image, recipe().output.stride
    columns, rows = image.width // stride, image.height // stride
    cells = joints * [(columns - 1) / (image.width - 1), (rows - 1) / (image.height - 1)]
    across = np.exp(-((np.arange(columns) - cells[:, :1]) ** 2) / (2 * sigma**2))
    down = np.exp(-((np.arange(rows) - cells[:, 1:]) ** 2) / (2 * sigma**2))
    maps = labeled[:, None, None] * down[:, :, None] * across[:, None, :]
    return np.asarray(maps, dtype=np.float32)


def _jittered(sample: Sample, rng: np.random.Generator) -> Sample:
    """Scale the box by up to a quarter and move it by up to a tenth."""
    x1, y1, x2, y2 = sample.corners
    center, half = np.array([x1 + x2, y1 + y2]) / 2, np.array([x2 - x1, y2 - y1]) / 2
    center = center + rng.uniform(-0.2, 0.2, 2) * half.max()
    half = half * np.exp2(rng.uniform(-0.32, 0.32))
    return Sample(sample.image, np.concatenate([center - half, center + half]), sample.keypoints)


def _mirror_partners() -> list[int]:
    partners = list(range(len(JOINTS)))
    for left, right in recipe().output.flip_pairs:
        partners[left], partners[right] = right, left
    return partners


def train(plan: Plan, out: Path) -> Path:
    """Train from random weights and save them after every epoch.

    Takes one core, 2 GB, and half an hour with the default plan.

    Args:
        plan: Hyperparameters.
        out: Folder for the weights; created if it does not exist.

    Returns:
        The weights file.
    """
    # A fixed order of summation; paddle reads these variables when it is imported.
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    import paddle  # imported here: hundreds of megabytes

    from converters.networks.build import build  # imported here: needs paddle

    pool = samples(0, plan.images)
    watched = samples(VALIDATION, 128)
    _log.info("%d persons to learn from, %d to watch", len(pool), len(watched))
    paddle.seed(plan.seed)
    rng = np.random.Generator(np.random.PCG64(plan.seed))
    network = build(recipe().architecture)
    # Heatmaps are zero almost everywhere: a head initialized with zeros learns joints at once instead of
    # first learning to become small.
    network.final_conv.weight.set_value(paddle.zeros_like(network.final_conv.weight))
    learner = _learner(network, plan, steps=plan.epochs * (len(pool) // plan.batch))
    for epoch in range(plan.epochs):
        started = time.monotonic()
        network.train()
        losses = [learner.step(batch) for batch in batches(pool, plan, rng)]
        network.eval()
        _save(network, out / WEIGHTS)
        seconds = time.monotonic() - started
        error = _watched_loss(network, watched, plan)
        _log.info("epoch %d: loss %.3f, watched %.3f, %.0f s", epoch + 1, np.mean(losses), error, seconds)
    return out / WEIGHTS


@dataclass(frozen=True)
class _Learner:
    """A network with its optimizer and learning rate schedule."""

    network: Any
    optimizer: Any
    rate: Any

    def step(self, batch: Batch) -> float:
        """Train on one batch; returns the loss before the step."""
        loss = _loss(self.network, batch)
        loss.backward()
        self.optimizer.step()
        self.optimizer.clear_grad()
        self.rate.step()
        return float(loss)


def _learner(network: Any, plan: Plan, steps: int) -> _Learner:
    import paddle  # imported here: see train

    cosine = paddle.optimizer.lr.CosineAnnealingDecay(plan.rate, T_max=steps - plan.warmup)
    rate = paddle.optimizer.lr.LinearWarmup(cosine, plan.warmup, 0.0, plan.rate)
    return _Learner(network, paddle.optimizer.Adam(rate, parameters=network.parameters()), rate)


def _watched_loss(network: Any, pool: Sequence[Sample], plan: Plan) -> float:
    import paddle  # imported here: see train

    starts = range(0, len(pool), plan.batch)
    with paddle.no_grad():
        losses = [_loss(network, plain_batch(pool[start : start + plan.batch], plan)) for start in starts]
    return float(np.mean([float(loss) for loss in losses]))


def _loss(network: Any, batch: Batch) -> Any:
    """Mean squared error times 1000: heatmaps are zero almost everywhere, so the plain error is tiny."""
    import paddle  # imported here: see train

    difference = network(paddle.to_tensor(batch.tensor)) - paddle.to_tensor(batch.maps)
    return 1000 * (difference * difference).mean()


def _save(network: Any, path: Path) -> None:
    arrays = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    write_safetensors(arrays, path, {"made_by": "tools.sample_model.train", "license": "Apache-2.0"})


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.sample_model.train", description="Train the sample model."
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the weights")
    for field, kind in (("images", int), ("epochs", int), ("warmup", int), ("seed", int)):
        parser.add_argument(f"--{field}", type=kind, default=getattr(Plan, field.replace("-", "_")))
    given = parser.parse_args(arguments)
    logging.basicConfig(format="%(asctime)s %(message)s")
    _log.setLevel(logging.INFO)
    plan = Plan(images=given.images, epochs=given.epochs, warmup=given.warmup, seed=given.seed)
    train(plan, given.out)


if __name__ == "__main__":
    main()
