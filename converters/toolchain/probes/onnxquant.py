"""Tests the quantization of onnxruntime: converts a number to an integer and back."""


def main(request: "dict[str, object]") -> "dict[str, object]":
    """Quantize and dequantize a number."""
    import numpy
    import onnx
    import onnxruntime
    from onnxruntime.quantization import quantize_static  # noqa: F401  (imports its dependencies)

    x, y = [onnx.helper.make_tensor_value_info(name, 1, [1]) for name in "xy"]
    half = onnx.numpy_helper.from_array(numpy.float32(0.5), "half")
    nodes = [
        onnx.helper.make_node("QuantizeLinear", ["x", "half"], ["q"]),
        onnx.helper.make_node("DequantizeLinear", ["q", "half"], ["y"]),
    ]
    graph = onnx.helper.make_graph(nodes, "probe", [x], [y], [half])
    opsets = [onnx.helper.make_opsetid("", 13)]
    model = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=7)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    answer = session.run(None, {"x": numpy.array([2.2], dtype="float32")})[0]
    if float(answer[0]) != 2:
        raise RuntimeError("2.2 in steps of 0.5 gave " + str(answer))
    return {"version": str(onnxruntime.__version__)}
