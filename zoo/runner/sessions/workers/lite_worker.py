"""Runs a Paddle-Lite ``.nb`` file, under the interpreter that has paddlelite (CPython 3.5 to 3.10)."""

from typing import Any, Dict, List, Tuple  # noqa: UP035  what 3.5 has


class Model:
    """A loaded model file.

    Args:
        request: Its path under ``model``, the names of its tensors under ``inputs`` and ``outputs``.
    """

    def __init__(self, request: Dict[str, Any]) -> None:  # noqa: UP006
        import numpy

        if int(numpy.__version__.split(".")[0]) >= 2:
            # Tensors would not survive the way in and out, and nothing would say so.
            raise RuntimeError("paddlelite needs numpy below 2, this interpreter has " + numpy.__version__)
        from paddlelite.lite import MobileConfig, create_paddle_predictor

        config = MobileConfig()
        config.set_model_from_file(request["model"])
        self._config, self._create = config, create_paddle_predictor  # type: Any, Any
        self._predictor = self._create(config)
        self._shapes = None  # type: Any
        # Up to 2.10 a predictor knows no names, but has its tensors in the order of the file.
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

        2.9.1 takes memory for numbers when it adds the bias of a convolution to any item but the first, so
        it gets the items of a batch one by one.
        """
        sizes = {len(arrays[name]) for name in self._inputs}
        if sizes == {1} or "2.9.1" not in self.facts["version"]:
            return self._run(arrays)
        if len(sizes) > 1:
            raise RuntimeError(
                "paddlelite 2.9.1 computes single items only, and these inputs differ in number"
            )
        import numpy

        singles = []
        for item in range(sizes.pop()):
            single = self._run({name: array[item : item + 1] for name, array in arrays.items()})
            # The predictor hands out its own memory, which the next item overwrites.
            singles.append([output.copy() for _, output in single])
        joined = (numpy.concatenate(parts) for parts in zip(*singles))  # noqa: B905  what 3.5 has
        return list(zip(self._outputs, joined))  # noqa: B905  likewise

    def _run(self, arrays: Dict[str, Any]) -> List[Tuple[str, Any]]:  # noqa: UP006
        """Run the predictor once.

        A predictor keeps buffers of the first shapes it saw: fed with others, it returns wrong numbers or
        damages the heap (2.13rc0). So other shapes get a new one; batches may grow and shrink.
        """
        shapes = [arrays[name].shape[1:] for name in self._inputs]
        if self._shapes not in (None, shapes):
            self._predictor = self._create(self._config)
        self._shapes = shapes
        for index, name in enumerate(self._inputs):
            self._predictor.get_input(index).from_numpy(arrays[name])
        self._predictor.run()
        return [(name, self._predictor.get_output(i).numpy()) for i, name in enumerate(self._outputs)]
