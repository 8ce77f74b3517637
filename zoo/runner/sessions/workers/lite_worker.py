"""Runs a Paddle-Lite ``.nb`` file, under the interpreter that has paddlelite (CPython 3.5 to 3.10)."""

from typing import Any, Dict, List, Tuple  # noqa: UP035  CPython 3.5 syntax


class Model:
    """A loaded model file.

    Args:
        request: Path of the file under ``model``, names of its tensors under ``inputs`` and ``outputs``.
    """

    def __init__(self, request: Dict[str, Any]) -> None:  # noqa: UP006
        import numpy

        if int(numpy.__version__.split(".")[0]) >= 2:
            # Tensors would be corrupted on the way in and out, without any error.
            raise RuntimeError("paddlelite needs numpy below 2, this interpreter has " + numpy.__version__)
        from paddlelite.lite import MobileConfig, create_paddle_predictor

        config = MobileConfig()
        config.set_model_from_file(request["model"])
        self._config, self._create = config, create_paddle_predictor  # type: Any, Any
        self._predictor = self._create(config)
        self._shapes = None  # type: Any
        # Up to 2.10 a predictor has no names, but its tensors are in the order of the file.
        named = hasattr(self._predictor, "get_input_names")
        self._inputs = self._predictor.get_input_names() if named else request["inputs"]
        self._outputs = self._predictor.get_output_names() if named else request["outputs"]
        self.facts = {
            "version": self._predictor.get_version(),
            "inputs": self._inputs,
            "outputs": self._outputs,
        }

    def run(self, arrays: Dict[str, Any]) -> List[Tuple[str, Any]]:  # noqa: UP006
        """Compute all outputs, in order.

        2.9.1 reads uninitialized memory when it adds the bias of a convolution to any item but the first, so
        the items of a batch are run one by one.
        """
        sizes = {len(arrays[name]) for name in self._inputs}
        if sizes == {1} or "2.9.1" not in self.facts["version"]:
            return self._run(arrays)
        if len(sizes) > 1:
            raise RuntimeError(
                "paddlelite 2.9.1 runs single items only, and the inputs have different batch sizes"
            )
        import numpy

        singles = []
        for item in range(sizes.pop()):
            single = self._run({name: array[item : item + 1] for name, array in arrays.items()})
            # The predictor returns its internal memory, which the next item overwrites.
            singles.append([output.copy() for _, output in single])
        joined = (numpy.concatenate(parts) for parts in zip(*singles))  # noqa: B905  CPython 3.5 syntax
        return list(zip(self._outputs, joined))  # noqa: B905  CPython 3.5 syntax

    def _run(self, arrays: Dict[str, Any]) -> List[Tuple[str, Any]]:  # noqa: UP006
        """Run the predictor once.

        A predictor keeps buffers of the first input shapes: with other shapes it returns wrong numbers or
        corrupts the heap (2.13rc0). Other shapes therefore get a new predictor; batch sizes may change.
        """
        shapes = [arrays[name].shape[1:] for name in self._inputs]
        if self._shapes not in (None, shapes):
            self._predictor = self._create(self._config)
        self._shapes = shapes
        for index, name in enumerate(self._inputs):
            self._predictor.get_input(index).from_numpy(arrays[name])
        self._predictor.run()
        return [(name, self._predictor.get_output(i).numpy()) for i, name in enumerate(self._outputs)]
