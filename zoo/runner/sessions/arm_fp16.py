"""ARM FP16 emulation of a Paddle-Lite file in this process: the results of a phone without a phone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from converters.formats.inspection import Inspection, Tensor
from registry.errors import MissingToolError, UsageError
from zoo._utils.arrays import Array
from zoo.runner.sessions.session import Arrays, SessionBase, check_feeds

if TYPE_CHECKING:
    from zoo.runner.arm_fp16 import Fp16Network


REFUSALS = ("fp16-op-unsupported", "fp16-op-unverified")
"""Error codes for a network that ARM FP16 emulation does not support."""

_EXACT_VERSIONS = ("v2.13", "v2.14")
"""Versions of opt whose runtimes compute as the one of the golden set.

After 2.12 the sigmoid left single precision (Paddle-Lite, pull request 9675), and at about that time a global
mean began to divide before it adds (9763).
"""


class ArmFp16Session(SessionBase):
    """Emulates the file's ARM kernels. Its run time is no indication of the latency on a phone.

    Args:
        inspection: Inspection of a ``.nb`` file for ARM in FP16.

    Raises:
        MissingToolError: ``numba-missing``: the loops need Numba.
        ConversionError: ``fp16-op-unsupported``: the file contains unsupported operators.
    """

    engine = "ARM FP16 emulation,"
    threads = 1

    def __init__(self, inspection: Inspection) -> None:
        try:
            from zoo.runner.arm_fp16 import Fp16Network  # loads Numba, which only the emulation needs
        except ImportError as error:
            raise MissingToolError(
                "numba-missing",
                "ARM FP16 emulation needs Numba, which is not installed in this Python",
                found=str(error),
                hint="pip install 'paddle-zoo[arm-fp16]'",
            ) from error
        self._network: Fp16Network | None = Fp16Network(inspection.path)
        self.engine_version = _describe_exactness(self._network.file.opt_version)
        self.inputs: tuple[Tensor, ...] = inspection.inputs
        self.outputs: tuple[Tensor, ...] = inspection.outputs

    def run(self, feeds: Mapping[str, Array]) -> Arrays:
        """See :class:`zoo.runner.sessions.session.Session`.

        The items of a batch are computed one by one, as for the golden set.
        """
        network = self._network
        if network is None:
            raise UsageError("session-closed", "the session was closed", hint="open the model again")
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


def _describe_exactness(opt_version: str) -> str:
    """State, in place of an engine version, how exact the results are."""
    if opt_version.startswith(_EXACT_VERSIONS):
        return "bit-exact on the golden set"
    return f"rounding of Paddle-Lite 2.13 and 2.14, not of {opt_version}"
