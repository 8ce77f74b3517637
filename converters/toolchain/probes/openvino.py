"""Tests OpenVINO: compiles x + 1 and runs it."""


def main(request: "dict[str, object]") -> "dict[str, object]":
    """Add one to two."""
    import importlib.metadata

    import numpy
    import openvino
    from openvino import opset8 as operators

    x = operators.parameter([1], numpy.float32, name="x")
    model = openvino.Model([operators.add(x, numpy.ones(1, dtype="float32"))], [x], "probe")
    answer = openvino.compile_model(model, "CPU")([numpy.array([2], dtype="float32")])[0]
    if float(answer[0]) != 3:
        raise RuntimeError("2 + 1 gave " + str(answer))
    return {"version": importlib.metadata.version("openvino")}
