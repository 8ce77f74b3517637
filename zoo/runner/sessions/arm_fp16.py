"""A half-precision Lite file for ARM, interpreted in this process: what a phone computes, without a phone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from converters.formats.inspection import Inspection, Tensor
from registry.errors import MissingToolError, UsageError
from zoo._utils.arrays import Array
from zoo.runner.sessions.session import Arrays, Closing, check_feeds

if TYPE_CHECKING:
    from zoo.runner.arm_fp16 import Fp16Network


REFUSALS = ("fp16-op-unsupported", "fp16-op-unverified")
"""Codes of errors that say: this network is beyond the interpreter, and nothing was guessed."""

_GENERATION = ("v2.13", "v2.14")
"""Versions of opt for runtimes of the golden outputs' generation.

After 2.12 the sigmoid left single precision (Paddle-Lite, pull request 9675), and at about that time a global
mean began to divide before it adds (9763).
"""


class ArmFp16Session(Closing):
    """An interpreter of the file's ARM kernels. How long it takes says nothing about a phone.

    Args:
        inspection: Of a ``.nb`` file for ARM in half precision.

    Raises:
        MissingToolError: ``numba-missing``: its loops are compiled by Numba.
        ConversionError: ``fp16-op-unsupported``: the file holds something it does not know.
    """

    engine = "ARM FP16 kernels, interpreted,"
    threads = 1

    def __init__(self, inspection: Inspection) -> None:
        try:
            from zoo.runner.arm_fp16 import Fp16Network  # compiles loops; only who interprets needs Numba
        except ImportError as error:
            raise MissingToolError(
                "numba-missing",
                "interpreting half-precision ARM files takes Numba, which is not installed in this Python",
                found=str(error),
                hint="pip install 'paddle-zoo[arm-fp16]'",
            ) from error
        self._network: Fp16Network | None = Fp16Network(inspection.path)
        self.engine_version = _standing(self._network.file.opt_version)
        self.inputs: tuple[Tensor, ...] = inspection.inputs
        self.outputs: tuple[Tensor, ...] = inspection.outputs

    def run(self, feeds: Mapping[str, Array]) -> Arrays:
        """See :class:`zoo.runner.sessions.session.Session`.

        The inputs of a batch are computed one by one, as those of the golden set were.
        """
        network = self._network
        if network is None:
            raise UsageError("session-closed", "this session was closed", hint="open the model anew")
        check_feeds(self.inputs, feeds)
        batch = next(iter(feeds.values())).shape[0]
        singles = [
            network.run({name: array[item : item + 1] for name, array in feeds.items()})
            for item in range(batch)
        ]
        joined = (np.concatenate(parts) for parts in zip(*singles, strict=True))
        return {tensor.name: output for tensor, output in zip(self.outputs, joined, strict=True)}

    def close(self) -> None:
        """Free the network."""
        self._network = None


def _standing(opt_version: str) -> str:
    """How far the results can be trusted, as a version is named."""
    if opt_version.startswith(_GENERATION):
        return "bit-exact on the golden set"
    return f"as Paddle-Lite 2.13 and 2.14 compute, not {opt_version}"
