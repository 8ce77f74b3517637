"""Tests the ONNX tools together: simplifies a tiny model, converts it to FP16 and runs it."""


def main(request: "dict[str, object]") -> "dict[str, object]":
    """Convert x + 1 to FP16 and run it."""
    import numpy
    import onnx
    import onnxruntime
    import onnxslim
    from onnxconverter_common import float16

    x, y = [onnx.helper.make_tensor_value_info(name, 1, [1]) for name in "xy"]
    one = onnx.numpy_helper.from_array(numpy.ones(1, dtype="float32"), "one")
    add = onnx.helper.make_node("Add", ["x", "one"], ["y"], name="add")
    graph = onnx.helper.make_graph([add], "probe", [x], [y], [one])
    opsets = [onnx.helper.make_opsetid("", 11)]
    model = onnxslim.slim(onnx.helper.make_model(graph, opset_imports=opsets, ir_version=6))
    half = float16.convert_float_to_float16(model)
    session = onnxruntime.InferenceSession(half.SerializeToString(), providers=["CPUExecutionProvider"])
    answer = session.run(None, {"x": numpy.array([2], dtype="float16")})[0]
    if float(answer[0]) != 3:
        raise RuntimeError("2 + 1 gave " + str(answer))
    return {"version": str(onnxslim.__version__)}
