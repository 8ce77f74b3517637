"""A session that returns the outputs a test defines."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from converters.formats.inspection import Tensor
from tests.helpers.model_specs import MEAN, STD
from zoo.runner.sessions.session import Arrays, SessionBase, check_feeds

POSE_TENSOR = Tensor(name="image", shape=(None, 3, 128, 96), dtype="float32")
DETECTOR_TENSOR = Tensor(name="image", shape=(1, 3, 192, 192), dtype="float32")


class FakeSession(SessionBase):
    """Calls a function instead of a network, and records its inputs."""

    engine = "fake"
    engine_version = "0"
    threads = 1
    outputs: tuple[Tensor, ...] = ()

    def __init__(self, answer: Callable[[np.ndarray], list[np.ndarray]], *inputs: Tensor) -> None:
        self.inputs = inputs
        self.fed: list[dict[str, np.ndarray]] = []
        self._answer = answer

    def run(self, feeds: Mapping[str, np.ndarray]) -> Arrays:
        check_feeds(self.inputs, feeds)
        self.fed.append(dict(feeds))
        return {str(number): array for number, array in enumerate(self._answer(feeds["image"]))}

    def close(self) -> None:
        pass


def bright_spots(tensor: np.ndarray) -> list[np.ndarray]:
    """Return heat maps equal to the red channel of the image, and their arg-max, as exported graphs do."""
    red = tensor[:, 0] * STD[0] + MEAN[0]
    heat = red.reshape(len(tensor), 32, 4, 24, 4).mean(axis=(2, 4))
    maps = np.repeat(heat[:, None], 17, axis=1).astype(np.float32)
    return [maps, maps.reshape(len(tensor), 17, -1).argmax(axis=2)]
