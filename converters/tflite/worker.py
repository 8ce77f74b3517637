"""Converts an ONNX model to TensorFlow Lite and holds the two to each other. Runs in a child process."""

from __future__ import annotations

import os
from typing import Any

# As a share of an output's largest value: other orders of adding up, or weights rounded to eleven bits.
_SAME = {"fp32": 1e-4, "fp16": 5e-2}


def main(request: dict[str, Any]) -> dict[str, Any]:
    """Convert one model.

    Args:
        request: ``folder`` that holds ``model.onnx``, and takes ``model.tflite``; ``weights``, how they are
            stored, ``fp32`` or ``fp16``.

    Returns:
        ``tools``: package to version. ``difference``: how far the outputs lie apart at most on noise, as a
        share of an output's largest value.
    """
    # Read when TensorFlow is imported: the Keras that onnx2tf is written for, constants folded with the same
    # arithmetic on every processor, no graphics card.
    os.environ.update(TF_USE_LEGACY_KERAS="1", TF_ENABLE_ONEDNN_OPTS="0", CUDA_VISIBLE_DEVICES="-1")
    os.chdir(request["folder"])

    import importlib.metadata

    import onnx

    model = onnx.load("model.onnx")
    names = numbered(model)
    onnx.save(simplified(model), "numbered.onnx")
    convert("numbered.onnx")
    packages = ("onnx2tf", "tensorflow-cpu", "tf-keras", "ai-edge-litert", "onnxruntime")
    versions = {name: importlib.metadata.version(name) for name in packages}
    precision = {"fp32": "float32", "fp16": "float16"}[request["weights"]]
    maker = f"onnx2tf {versions['onnx2tf']}, TensorFlow {versions['tensorflow-cpu']}"
    finish(f"made/numbered_{precision}.tflite", "model.tflite", names, maker)
    difference = compare("model.onnx", "model.tflite")
    if difference > _SAME[request["weights"]]:
        raise RuntimeError(f"the outputs of the converted model differ by {difference:.1e} of their reach")
    return {"tools": versions, "difference": difference}


def numbered(model: Any) -> dict[str, str]:
    """Give inputs and outputs names that survive and sort in order; what each was called before.

    On the way, TensorFlow sorts outputs by name and changes the characters it does not take in names.
    """
    import onnx

    graph, names = model.graph, {}
    constants = {tensor.name for tensor in graph.initializer}
    front, back = [], []
    for place, value in enumerate(value for value in graph.input if value.name not in constants):
        names[f"input_{place:03d}"] = value.name
        front.append(onnx.helper.make_node("Identity", [f"input_{place:03d}"], [value.name]))
    for place, value in enumerate(graph.output):
        names[f"output_{place:03d}"] = value.name
        back.append(onnx.helper.make_node("Identity", [value.name], [f"output_{place:03d}"]))
    new = {earlier: later for later, earlier in names.items()}
    for value in (*graph.input, *graph.output):
        value.name = new.get(value.name, value.name)
    for node in reversed(front):
        graph.node.insert(0, node)
    graph.node.extend(back)
    return names


def simplified(model: Any) -> Any:
    """The model with a batch of one where it was open, and nothing left in it that computes extents.

    TensorFlow Lite plans its memory ahead; and onnx2tf takes axes for others where it cannot tell extents.
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
            # The other one, which needs no TensorFlow, makes files of these networks that do not run.
            tflite_backend="tf_converter",
            not_use_onnxsim=True,  # it was
            non_verbose=True,
        )
    except SystemExit as error:  # its way of giving up
        raise RuntimeError(f"onnx2tf gave up with exit code {error.code}") from None


def finish(made: str, out: str, names: dict[str, str], maker: str) -> None:
    """Put inputs and outputs in order under their names, and leave out what names the run.

    Args:
        made: The file as TensorFlow wrote it.
        out: The file to write.
        names: Name TensorFlow knew to the model's own.
        maker: What the file says of who made it.
    """
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model(made)
    graph, signature = model.subgraphs[0], model.signatureDefs[0]
    for ends in (signature.inputs, signature.outputs):
        ends.sort(key=lambda end: end.name)
        for end in ends:
            own = names[end.name.decode()].encode()
            end.name = graph.tensors[end.tensorIndex].name = own
    graph.inputs = [end.tensorIndex for end in signature.inputs]
    graph.outputs = [end.tensorIndex for end in signature.outputs]
    model.description = maker.encode()
    # It holds a digest of the passing files this was made of.
    model.metadata = [each for each in model.metadata if each.name != b"CONVERSION_METADATA"]
    flatbuffer_utils.write_model(model, out)


def compare(before: str, after: str) -> float:
    """Largest relative difference of the outputs of two models on noise."""
    import numpy
    import onnxruntime
    from ai_edge_litert.interpreter import Interpreter

    session = onnxruntime.InferenceSession(before, providers=["CPUExecutionProvider"])
    network = Interpreter(after, num_threads=1)
    network.allocate_tensors()
    random = numpy.random.default_rng(0)
    feeds = {}
    for value, end in zip(session.get_inputs(), network.get_input_details(), strict=True):
        extents = end["shape"].tolist()
        noise = random.standard_normal(extents).astype(end["dtype"])
        network.set_tensor(end["index"], noise)
        feeds[value.name] = noise.transpose(0, 3, 1, 2) if len(extents) == 4 else noise
    network.invoke()
    shares = [0.0]
    expected = session.run(None, feeds)
    for one, end in zip(expected, network.get_output_details(), strict=True):
        other = network.get_tensor(end["index"])
        other = other.transpose(0, 3, 1, 2) if other.ndim == 4 else other
        if one.shape != other.shape:
            raise RuntimeError(f"output {end['name']} of {one.shape} became one of {other.shape}")
        if one.dtype.kind == "f" and one.size:
            reach = float(numpy.abs(one).max()) or 1.0
            shares.append(float(numpy.abs(one.astype("float64") - other.astype("float64")).max()) / reach)
    return max(shares)
