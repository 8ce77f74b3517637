"""Runs a Paddle inference model, under the interpreter that has paddlepaddle."""

import os
from typing import Any, Dict, List, Tuple  # noqa: UP035  all workers use CPython 3.5 syntax


class Model:
    """A loaded program with its parameters.

    Args:
        request: Paths under ``program`` and ``params``, number of ``threads``, and whether the program is
            of the ``legacy`` form.
    """

    def __init__(self, request: Dict[str, Any]) -> None:  # noqa: UP006
        # Read once, when paddle is imported: 3.x opens a legacy program only with PIR switched off.
        os.environ["FLAGS_enable_pir_api"] = "0" if request["legacy"] else "1"  # noqa: SIM112
        import paddle
        from paddle import inference

        config = inference.Config(request["program"], request["params"])
        config.disable_gpu()
        config.disable_glog_info()
        # oneDNN is on by default since 3.0; only this call switches it off. Its kernels round differently.
        config.disable_mkldnn()
        config.set_cpu_math_library_num_threads(request["threads"])
        if request["legacy"]:  # not available for a PIR program, where it fails
            config.enable_memory_optim()
        self._predictor = inference.create_predictor(config)
        self.facts = {
            "version": paddle.__version__,
            "inputs": self._predictor.get_input_names(),
            "outputs": self._predictor.get_output_names(),
        }

    def run(self, arrays: Dict[str, Any]) -> List[Tuple[str, Any]]:  # noqa: UP006
        """Compute all outputs, in order."""
        for name in self.facts["inputs"]:
            handle = self._predictor.get_input_handle(name)
            handle.reshape(arrays[name].shape)
            handle.copy_from_cpu(arrays[name])
        self._predictor.run()
        names = self.facts["outputs"]
        return [(name, self._predictor.get_output_handle(name).copy_to_cpu()) for name in names]
