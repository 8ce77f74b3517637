"""Runs a TensorFlow Lite model, under the interpreter that has LiteRT."""

import importlib.metadata
from typing import Any, Dict, List, Tuple  # noqa: UP035  all workers use CPython 3.5 syntax


class Model:
    """A model on XNNPACK. Tensors are transposed: TensorFlow Lite has channels last, the session first.

    Args:
        request: Path under ``model``, names of ``inputs`` and ``outputs`` in the order of the file, number of
            ``threads``.
    """

    def __init__(self, request: Dict[str, Any]) -> None:  # noqa: UP006
        from ai_edge_litert.interpreter import Interpreter

        self._network = Interpreter(request["model"], num_threads=request["threads"])
        self._network.allocate_tensors()
        self._places = dict(zip(request["inputs"], self._network.get_input_details(), strict=True))
        self._outputs = self._network.get_output_details()
        self.facts = {
            "version": importlib.metadata.version("ai-edge-litert"),
            "inputs": request["inputs"],
            "outputs": request["outputs"],
        }

    def run(self, arrays: Dict[str, Any]) -> List[Tuple[str, Any]]:  # noqa: UP006
        """Compute all outputs, in order."""
        for name, place in self._places.items():
            array = arrays[name]
            self._network.set_tensor(
                place["index"], array.transpose(0, 2, 3, 1) if array.ndim == 4 else array
            )
        self._network.invoke()
        found = [self._network.get_tensor(place["index"]) for place in self._outputs]
        turned = [array.transpose(0, 3, 1, 2) if array.ndim == 4 else array for array in found]
        return list(zip(self.facts["outputs"], turned, strict=True))
