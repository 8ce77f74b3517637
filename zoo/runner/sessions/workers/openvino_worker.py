"""Runs an OpenVINO model, under the interpreter that has openvino."""

import importlib.metadata
from typing import Any, Dict, List, Tuple  # noqa: UP035  the workers share one old syntax


class Model:
    """A compiled model.

    Args:
        request: Path under ``model``, names of ``inputs`` and ``outputs``, number of ``threads``.
    """

    def __init__(self, request: Dict[str, Any]) -> None:  # noqa: UP006
        import openvino

        # Left alone it takes half or bfloat16 on processors that have units for it, whatever is stored.
        wanted = {"INFERENCE_NUM_THREADS": request["threads"], "INFERENCE_PRECISION_HINT": "f32"}
        self._model = openvino.compile_model(request["model"], "CPU", wanted)
        # Weights in half precision are widened first: a file of them has no say in this.
        computed = self._model.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        self.facts = {
            "version": importlib.metadata.version("openvino") + ", computing in " + computed,
            "inputs": request["inputs"],
            "outputs": request["outputs"],
        }

    def run(self, arrays: Dict[str, Any]) -> List[Tuple[str, Any]]:  # noqa: UP006
        """Compute all outputs, in order."""
        found = self._model({name: arrays[name] for name in self.facts["inputs"]})
        return [(name, found[index]) for index, name in enumerate(self.facts["outputs"])]
