"""Proves that the ONNX tools work together: simplifies, halves and runs a tiny model."""


def main(request: "dict[str, object]") -> "dict[str, object]":
    """Turn x + 1 into half precision and run it."""
    import numpy
    import onnx
    import onnxruntime
    import onnxslim
    from onnxconverter_common import float16

    ends = [onnx.helper.make_tensor_value_info(name, 1, [1]) for name in "xy"]
    one = onnx.numpy_helper.from_array(numpy.ones(1, dtype="float32"), "one")
    add = onnx.helper.make_node("Add", ["x", "one"], ["y"], name="add")
    graph = onnx.helper.make_graph([add], "probe", ends[:1], ends[1:], [one])
    opsets = [onnx.helper.make_opsetid("", 11)]
    model = onnxslim.slim(onnx.helper.make_model(graph, opset_imports=opsets, ir_version=6))
    half = float16.convert_float_to_float16(model)
    session = onnxruntime.InferenceSession(half.SerializeToString(), providers=["CPUExecutionProvider"])
    answer = session.run(None, {"x": numpy.array([2], dtype="float16")})[0]
    if float(answer[0]) != 3:
        raise RuntimeError("2 + 1 came out as " + str(answer))
    return {"version": str(onnxslim.__version__)}
