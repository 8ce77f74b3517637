"""Tests paddlelite by converting and running a tiny model. Runs under CPython 3.5 and later.

An import is not enough: with numpy 2 it imports and converts, but its tensors return wrong values. Therefore
four floats pass through its tensors and a relu.
"""

import base64
import os
import typing

if typing.TYPE_CHECKING:
    import numpy

# A legacy program with one operator, x[1, 4] -> relu, and no parameters; written by
# paddle.static.save_inference_model of paddlepaddle 3.2.2, attributes removed.
PROGRAM = (
    "CucBCAAQ////////////ARogCgxyZWx1XzAudG1wXzASDggHGgoKBggFEAEQBBAAGAAaFwoBeBIOCAcaCgoGCAUQARAEEAAYACAB"
    "GgwKBGZlZWQSAggJGAEaDQoFZmV0Y2gSAggKGAEiJgoJCgFYEgRmZWVkEggKA091dBIBeBoEZmVlZCIJCgNjb2wQABgAIiMKBgoB"
    "WBIBeBITCgNPdXQSDHJlbHVfMC50bXBfMBoEcmVsdSIzChEKAVgSDHJlbHVfMC50bXBfMBIMCgNPdXQSBWZldGNoGgVmZXRjaCIJ"
    "CgNjb2wQABgAIgUIkp23AQ=="
)


def main(request: "dict[str, object]") -> "dict[str, object]":
    """Convert the tiny model, run it, and compare."""
    import numpy
    from paddlelite import lite

    with open("probe.pdmodel", "wb") as stream:
        stream.write(base64.b64decode(PROGRAM))
    open("probe.pdiparams", "wb").close()
    opt = lite.Opt()
    opt.set_model_file(os.path.abspath("probe.pdmodel"))
    opt.set_param_file(os.path.abspath("probe.pdiparams"))
    opt.set_model_type("naive_buffer")
    opt.set_optimize_out(os.path.abspath("probe"))
    opt.set_valid_places("x86")
    opt.run()

    config = lite.MobileConfig()
    config.set_model_from_file(os.path.abspath("probe.nb"))
    predictor = lite.create_paddle_predictor(config)
    values = numpy.array([[-1.5, 0.0, 2.25, 3.0e8]], dtype="float32")
    tensor = predictor.get_input(0)
    tensor.from_numpy(values)
    require_equal("the input tensor", tensor.numpy(), values)
    predictor.run()
    require_equal("relu", predictor.get_output(0).numpy(), numpy.maximum(values, 0))
    return {"version": str(opt.version())}


def require_equal(what: str, found: "numpy.ndarray", expected: "numpy.ndarray") -> None:
    """Raise an error unless two arrays are equal."""
    import numpy

    if not numpy.array_equal(found, expected):
        raise RuntimeError(what + " gave " + str(found.tolist()) + ", not " + str(expected.tolist()))
