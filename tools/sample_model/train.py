"""Trains the sample model on the processor, from nothing but a seed.

    python -m tools.sample_model.train --out trained

One thread on purpose: sums in one order give the same weights, bit for bit, run after run on one machine with
one paddle. Another processor or paddle rounds differently and gives another model of the same quality.
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
from zoo.runner.geometry import to_input
from zoo.runner.images import Image
from zoo.runner.preprocess import prepare_persons
from zoo.sample.figures import picture
from zoo.sample.skeleton import JOINTS

# By its own name: run as a command, this module is called __main__.
_log = logging.getLogger("tools.sample_model.train")

WEIGHTS = "weights.safetensors"

VALIDATION = 900_000
"""First seed of the images the loss is watched on; neither trained on nor part of the published figure."""

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class Plan:
    """Everything the outcome depends on besides the machine.

    Attributes:
        images: Training images, of the seeds from 0 on; about 1.8 persons each.
        epochs: Times each person is seen.
        batch: Persons a step.
        rate: Highest learning rate of Adam, after the warm-up; falls to nothing along half a cosine.
        warm_up: Steps the learning rate rises.
        sigma: Of the Gaussian around each joint, in heat-map cells.
        seed: Of initial weights, order and jitter.
    """

    images: int = 5000
    epochs: int = 8
    batch: int = 12
    rate: float = 3e-3
    warm_up: int = 400
    sigma: float = 1.5
    seed: int = 1


@dataclass(frozen=True, eq=False)
class Sample:
    """One person to learn from.

    Attributes:
        image: The whole image, RGB.
        corners: ``(4,)`` x1, y1, x2, y2.
        keypoints: ``(17, 3)`` as `zoo.sample.figures.Person` has them.
    """

    image: Bytes
    corners: Doubles
    keypoints: Doubles


@dataclass(frozen=True, eq=False)
class Batch:
    """What one step learns from.

    Attributes:
        tensor: ``(N, 3, height, width)`` normalized crops.
        maps: ``(N, 17, rows, columns)`` heat maps wanted, 0 to 1.
    """

    tensor: Floats
    maps: Floats


def samples(first: int, count: int) -> list[Sample]:
    """Every person in the images of ``count`` seeds from ``first`` on."""
    found = []
    for seed in range(first, first + count):
        made = picture(seed)
        for person in made.persons:
            x, y, width, height = person.box
            corners = np.array([x, y, x + width - 1, y + height - 1])
            found.append(Sample(made.image, corners, person.keypoints))
    return found


def batches(pool: Sequence[Sample], plan: Plan, rng: np.random.Generator) -> Iterator[Batch]:
    """Full batches of one epoch: all persons in random order, boxes jittered, half of them mirrored."""
    order = rng.permutation(len(pool))
    for start in range(0, len(order) - plan.batch + 1, plan.batch):
        chosen = [pool[index] for index in order[start : start + plan.batch]]
        batch = plain_batch([_jittered(sample, rng) for sample in chosen], plan)
        mirrored = rng.random(plan.batch) < 0.5
        batch.tensor[mirrored] = batch.tensor[mirrored][..., ::-1]
        batch.maps[mirrored] = batch.maps[mirrored][:, _mirror_partners()][..., ::-1]
        yield batch


def plain_batch(chosen: Sequence[Sample], plan: Plan) -> Batch:
    """Crops as the evaluation protocol cuts them, and the heat maps that belong to them."""
    image, crop = recipe().image, recipe().protocol.crop
    tensors, maps = [], []
    for sample in chosen:
        photo = Image(sample.image, "rgb")
        prepared = prepare_persons(photo, sample.corners[None], image, crop, "host")
        to_crop = to_input(prepared.regions, crop, (image.width, image.height))
        joints = to_crop.apply(sample.keypoints[None, :, :2])[0]
        tensors.append(prepared.tensor)
        maps.append(heatmaps(joints, sample.keypoints[:, 2] > 0, plan.sigma))
    return Batch(np.concatenate(tensors), np.stack(maps))


def heatmaps(joints: Array, labeled: Array, sigma: float) -> Floats:
    """A Gaussian of height 1 around each joint; nothing where there is no joint in the picture.

    Args:
        joints: ``(17, 2)`` x, y in network input pixels.
        labeled: ``(17,)`` whether the joint is known.
        sigma: Cells.

    Returns:
        ``(17, rows, columns)``. First and last cells lie on first and last pixels, as the decoder's unbiased
        back-projection has it.
    """
    image, stride = recipe().image, recipe().output.stride
    columns, rows = image.width // stride, image.height // stride
    cells = joints * [(columns - 1) / (image.width - 1), (rows - 1) / (image.height - 1)]
    across = np.exp(-((np.arange(columns) - cells[:, :1]) ** 2) / (2 * sigma**2))
    down = np.exp(-((np.arange(rows) - cells[:, 1:]) ** 2) / (2 * sigma**2))
    maps = labeled[:, None, None] * down[:, :, None] * across[:, None, :]
    return np.asarray(maps, dtype=np.float32)


def _jittered(sample: Sample, rng: np.random.Generator) -> Sample:
    """The box up to a quarter larger or smaller, and moved by up to a tenth."""
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
    """Train from random weights, saving after every epoch.

    Takes about a core, 2 GB, and half an hour with the default plan.

    Args:
        plan: What to do.
        out: Folder for the weights; made where it is missing.

    Returns:
        The weights file.
    """
    # One order of summation; paddle reads these when it is loaded.
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    import paddle  # heavy: hundreds of megabytes, for this function alone

    from converters.networks.build import build  # its modules derive from paddle's

    pool = samples(0, plan.images)
    watched = samples(VALIDATION, 128)
    _log.info("%d persons to learn from, %d to watch", len(pool), len(watched))
    paddle.seed(plan.seed)
    rng = np.random.Generator(np.random.PCG64(plan.seed))
    network = build(recipe().architecture)
    # Maps are nearly everywhere zero: a head that starts there learns joints at once, instead of spending
    # its first thousands of persons on becoming small.
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
    """A network with its optimizer and the optimizer's learning rate."""

    network: Any
    optimizer: Any
    rate: Any

    def step(self, batch: Batch) -> float:
        """Learn from one batch; returns the loss before."""
        loss = _loss(self.network, batch)
        loss.backward()
        self.optimizer.step()
        self.optimizer.clear_grad()
        self.rate.step()
        return float(loss)


def _learner(network: Any, plan: Plan, steps: int) -> _Learner:
    import paddle  # heavy: see train

    cosine = paddle.optimizer.lr.CosineAnnealingDecay(plan.rate, T_max=steps - plan.warm_up)
    rate = paddle.optimizer.lr.LinearWarmup(cosine, plan.warm_up, 0.0, plan.rate)
    return _Learner(network, paddle.optimizer.Adam(rate, parameters=network.parameters()), rate)


def _watched_loss(network: Any, pool: Sequence[Sample], plan: Plan) -> float:
    import paddle  # heavy: see train

    starts = range(0, len(pool), plan.batch)
    with paddle.no_grad():
        losses = [_loss(network, plain_batch(pool[start : start + plan.batch], plan)) for start in starts]
    return float(np.mean([float(loss) for loss in losses]))


def _loss(network: Any, batch: Batch) -> Any:
    """Mean squared error, a thousandfold: maps are nearly everywhere zero, and so is the plain error."""
    import paddle  # heavy: see train

    difference = network(paddle.to_tensor(batch.tensor)) - paddle.to_tensor(batch.maps)
    return 1000 * (difference * difference).mean()


def _save(network: Any, path: Path) -> None:
    arrays = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    write_safetensors(arrays, path, {"made_by": "tools.sample_model.train", "license": "Apache-2.0"})


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.sample_model.train", description="Train the sample model."
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the weights")
    for field, kind in (("images", int), ("epochs", int), ("warm-up", int), ("seed", int)):
        parser.add_argument(f"--{field}", type=kind, default=getattr(Plan, field.replace("-", "_")))
    given = parser.parse_args(arguments)
    logging.basicConfig(format="%(asctime)s %(message)s")
    _log.setLevel(logging.INFO)
    plan = Plan(images=given.images, epochs=given.epochs, warm_up=given.warm_up, seed=given.seed)
    train(plan, given.out)


if __name__ == "__main__":
    main()
