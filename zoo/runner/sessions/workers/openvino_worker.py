"""Runs an OpenVINO model, under the interpreter that has openvino."""

import importlib.metadata
from typing import Any, Dict, List, Tuple  # noqa: UP035  all workers use CPython 3.5 syntax


class Model:
    """A compiled model.

    Args:
        request: Path under ``model``, names of ``inputs`` and ``outputs``, number of ``threads``.
    """

    def __init__(self, request: Dict[str, Any]) -> None:  # noqa: UP006
        import openvino

        # By default it computes in FP16 or bfloat16 on processors with such units, independent of the file.
        options = {"INFERENCE_NUM_THREADS": request["threads"], "INFERENCE_PRECISION_HINT": "f32"}
        self._model = openvino.compile_model(request["model"], "CPU", options)
        # FP16 weights are widened on loading, so the stored precision does not matter here.
        computed = self._model.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        if any(
            self._computes_in_integers(each) for each in self._model.get_runtime_model().get_ordered_ops()
        ):
            computed += " and i8"  # the layers between quantized tensors
        self.facts = {
            "version": importlib.metadata.version("openvino") + ", computing in " + computed,
            "inputs": request["inputs"],
            "outputs": request["outputs"],
        }

    @staticmethod
    def _computes_in_integers(operator: Any) -> bool:
        facts = operator.get_rt_info()
        if "layerType" not in facts or "runtimePrecision" not in facts:
            return False
        layer, precision = facts["layerType"].astype(str), facts["runtimePrecision"].astype(str)
        return layer in ("Convolution", "FullyConnected", "MatMul") and precision in ("i8", "u8")

    def run(self, arrays: Dict[str, Any]) -> List[Tuple[str, Any]]:  # noqa: UP006
        """Compute all outputs, in order."""
        found = self._model({name: arrays[name] for name in self.facts["inputs"]})
        return [(name, found[index]) for index, name in enumerate(self.facts["outputs"])]
