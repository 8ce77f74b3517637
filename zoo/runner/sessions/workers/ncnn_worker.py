"""Runs an ncnn model, under the interpreter that has ncnn."""

import importlib.metadata
import os
from typing import Any, Dict, List, Tuple  # noqa: UP035  all workers use CPython 3.5 syntax

import numpy as np

# By default ncnn stores and computes in FP16 or bfloat16 on processors with such units.
_REDUCED_PRECISION = ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_packed", "bf16_storage")


class Model:
    """A loaded network, computed in single precision independent of the stored precision.

    Winograd convolutions and packed layouts stay enabled, as in apps: for the networks of the catalog the
    outputs are as close to Paddle's with them as without.

    Args:
        request: Path of the graph under ``model``, names of ``inputs`` and ``outputs``, number of
            ``threads``.
    """

    def __init__(self, request: Dict[str, Any]) -> None:  # noqa: UP006
        import ncnn

        self._ncnn = ncnn
        self._net = ncnn.Net()
        self._net.opt.num_threads = request["threads"]
        for kind in _REDUCED_PRECISION:
            setattr(self._net.opt, "use_" + kind, False)
        graph = request["model"]
        if self._net.load_param(graph):
            raise RuntimeError("ncnn cannot load the graph; it may contain an unsupported layer")
        if self._net.load_model(os.path.splitext(graph)[0] + ".bin"):
            raise RuntimeError("ncnn cannot load the weights")
        self.facts = {
            "version": importlib.metadata.version("ncnn") + ", computing in fp32",
            "inputs": request["inputs"],
            "outputs": request["outputs"],
        }

    def run(self, arrays: Dict[str, Any]) -> List[Tuple[str, Any]]:  # noqa: UP006
        """Compute all outputs, in order, one image at a time: ncnn has no batch axis."""
        images = len(next(iter(arrays.values())))
        found = [self._image({name: array[item] for name, array in arrays.items()}) for item in range(images)]
        return [(name, np.stack([one[name] for one in found])) for name in self.facts["outputs"]]

    def _image(self, arrays: Dict[str, Any]) -> Dict[str, Any]:  # noqa: UP006
        extractor = self._net.create_extractor()
        for name in self.facts["inputs"]:
            # A copy: a matrix that shares memory with an array crashes in layers that work in place.
            extractor.input(name, self._ncnn.Mat(np.ascontiguousarray(arrays[name])).clone())
        found = {}
        for name in self.facts["outputs"]:
            failed, matrix = extractor.extract(name)
            if failed:
                raise RuntimeError("ncnn could not compute " + name)
            found[name] = np.array(matrix)
        return found
