"""Converts an ONNX model to TensorFlow Lite and compares the two. Runs in a child process."""

from __future__ import annotations

import os
from typing import Any

# Share of the largest value of an output: other orders of summation, or weights rounded to 11 bits.
_TOLERANCE = {"fp32": 1e-4, "fp16": 5e-2}


def main(request: dict[str, Any]) -> dict[str, Any]:
    """Convert one model.

    Args:
        request: ``folder``, contains ``model.onnx`` and receives ``model.tflite``; ``weights``, the type of
            stored weights, ``fp32`` or ``fp16``.

    Returns:
        ``tools``: package to version. ``difference``: the largest difference of the outputs on noise, as a
        share of the largest value of the output.
    """
    # TensorFlow reads these on import: the Keras version that onnx2tf needs, constant folding with the same
    # arithmetic on every processor, no GPU.
    os.environ.update(TF_USE_LEGACY_KERAS="1", TF_ENABLE_ONEDNN_OPTS="0", CUDA_VISIBLE_DEVICES="-1")
    os.chdir(request["folder"])

    import importlib.metadata

    import onnx

    model = onnx.load("model.onnx")
    names = number_io(model)
    onnx.save(simplify(model), "numbered.onnx")
    convert("numbered.onnx")
    packages = ("onnx2tf", "tensorflow-cpu", "tf-keras", "ai-edge-litert", "onnxruntime")
    versions = {name: importlib.metadata.version(name) for name in packages}
    precision = {"fp32": "float32", "fp16": "float16"}[request["weights"]]
    description = f"onnx2tf {versions['onnx2tf']}, TensorFlow {versions['tensorflow-cpu']}"
    restore_names(f"made/numbered_{precision}.tflite", "model.tflite", names, description)
    difference = compare("model.onnx", "model.tflite")
    if difference > _TOLERANCE[request["weights"]]:
        raise RuntimeError(
            f"the outputs of the converted model have a relative difference of {difference:.1e}"
        )
    return {"tools": versions, "difference": difference}


def number_io(model: Any) -> dict[str, str]:
    """Give inputs and outputs names that sort in their order; return new name to old name.

    TensorFlow sorts outputs by name and replaces characters that it does not allow in names.
    """
    import onnx

    graph, names = model.graph, {}
    constants = {tensor.name for tensor in graph.initializer}
    front, back = [], []
    for index, value in enumerate(value for value in graph.input if value.name not in constants):
        names[f"input_{index:03d}"] = value.name
        front.append(onnx.helper.make_node("Identity", [f"input_{index:03d}"], [value.name]))
    for index, value in enumerate(graph.output):
        names[f"output_{index:03d}"] = value.name
        back.append(onnx.helper.make_node("Identity", [value.name], [f"output_{index:03d}"]))
    new = {earlier: later for later, earlier in names.items()}
    for value in (*graph.input, *graph.output):
        value.name = new.get(value.name, value.name)
    for node in reversed(front):
        graph.node.insert(0, node)
    graph.node.extend(back)
    return names


def simplify(model: Any) -> Any:
    """Replace an open batch by 1 and fold the operators that compute extents.

    TensorFlow Lite plans its memory in advance, and onnx2tf confuses axes whose extents it cannot infer.
    """
    import onnxsim

    for value in (*model.graph.input, *model.graph.output):
        extents = value.type.tensor_type.shape.dim
        if extents and not extents[0].dim_value:
            extents[0].dim_value = 1
    del model.graph.value_info[:]
    made, _ = onnxsim.simplify(model)
    return made


def convert(path: str) -> None:
    """Write ``made/…_float32.tflite`` and ``made/…_float16.tflite``."""
    import onnx2tf

    try:
        onnx2tf.convert(
            input_onnx_file_path=path,
            output_folder_path="made",
            # The other backend, which needs no TensorFlow, writes files of these networks that do not run.
            tflite_backend="tf_converter",
            not_use_onnxsim=True,  # done in simplify()
            non_verbose=True,
        )
    except SystemExit as error:
        raise RuntimeError(f"onnx2tf failed with exit code {error.code}") from None


def restore_names(made: str, out: str, names: dict[str, str], description: str) -> None:
    """Restore the names and the order of inputs and outputs, and remove what differs between runs.

    Args:
        made: The file written by TensorFlow.
        out: The file to write.
        names: Name in TensorFlow to name in the ONNX model.
        description: Description to store in the file.
    """
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model(made)
    graph, signature = model.subgraphs[0], model.signatureDefs[0]
    for tensors in (signature.inputs, signature.outputs):
        tensors.sort(key=lambda tensor: tensor.name)
        for tensor in tensors:
            original = names[tensor.name.decode()].encode()
            tensor.name = graph.tensors[tensor.tensorIndex].name = original
    graph.inputs = [tensor.tensorIndex for tensor in signature.inputs]
    graph.outputs = [tensor.tensorIndex for tensor in signature.outputs]
    model.description = description.encode()
    # Contains a digest of intermediate files.
    model.metadata = [each for each in model.metadata if each.name != b"CONVERSION_METADATA"]
    flatbuffer_utils.write_model(model, out)


def compare(before: str, after: str) -> float:
    """Return the largest relative difference of the outputs of two models on noise."""
    import numpy
    import onnxruntime
    from ai_edge_litert.interpreter import Interpreter

    session = onnxruntime.InferenceSession(before, providers=["CPUExecutionProvider"])
    network = Interpreter(after, num_threads=1)
    network.allocate_tensors()
    random = numpy.random.default_rng(0)
    feeds = {}
    for value, detail in zip(session.get_inputs(), network.get_input_details(), strict=True):
        extents = detail["shape"].tolist()
        noise = random.standard_normal(extents).astype(detail["dtype"])
        network.set_tensor(detail["index"], noise)
        feeds[value.name] = noise.transpose(0, 3, 1, 2) if len(extents) == 4 else noise
    network.invoke()
    shares = [0.0]
    expected = session.run(None, feeds)
    for one, detail in zip(expected, network.get_output_details(), strict=True):
        other = network.get_tensor(detail["index"])
        other = other.transpose(0, 3, 1, 2) if other.ndim == 4 else other
        if one.shape != other.shape:
            raise RuntimeError(f"output {detail['name']} of {one.shape} became one of {other.shape}")
        if one.dtype.kind == "f" and one.size:
            largest = float(numpy.abs(one).max()) or 1.0
            shares.append(float(numpy.abs(one.astype("float64") - other.astype("float64")).max()) / largest)
    return max(shares)
