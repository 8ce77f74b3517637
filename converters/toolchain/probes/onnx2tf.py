"""Tests onnx2tf: converts an ONNX model with one addition, x + x, and runs the output."""


def main(request: "dict[str, object]") -> "dict[str, object]":
    """Double two."""
    import importlib.metadata
    import os
    import pathlib
    import tempfile

    os.environ.update(TF_USE_LEGACY_KERAS="1", TF_ENABLE_ONEDNN_OPTS="0", CUDA_VISIBLE_DEVICES="-1")
    import numpy
    import onnx
    import onnx2tf
    from ai_edge_litert.interpreter import Interpreter

    x, y = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 2]) for name in ("x", "y")]
    graph = onnx.helper.make_graph([onnx.helper.make_node("Add", ["x", "x"], ["y"])], "g", [x], [y])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 11)], ir_version=6)
    with tempfile.TemporaryDirectory() as folder:
        onnx.save(model, folder + "/model.onnx")
        onnx2tf.convert(
            input_onnx_file_path=folder + "/model.onnx",
            output_folder_path=folder + "/made",
            tflite_backend="tf_converter",
            not_use_onnxsim=True,
            non_verbose=True,
        )
        made = pathlib.Path(folder, "made", "model_float32.tflite").read_bytes()
    network = Interpreter(model_content=made, num_threads=1)
    network.allocate_tensors()
    network.set_tensor(network.get_input_details()[0]["index"], numpy.array([[2, 3]], dtype="float32"))
    network.invoke()
    answer = network.get_tensor(network.get_output_details()[0]["index"])
    if answer.tolist() != [[4.0, 6.0]]:
        raise RuntimeError("2 + 2 gave " + str(answer))
    return {"version": importlib.metadata.version("onnx2tf")}
