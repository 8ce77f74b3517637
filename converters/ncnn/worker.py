"""Converts an ONNX model to ncnn, and compares the two. Runs in a child process."""

from __future__ import annotations

import os
from typing import Any

MADE = "model.ncnn"
_SMALLEST = 1e-3  # divisor for outputs with smaller values, which are practically zero
_EXTENTS = {1: (0,), 2: (0, 1), 3: (0, 1, 2), 4: (0, 1, 11, 2)}


def main(request: dict[str, Any]) -> dict[str, Any]:
    """Convert one model.

    Args:
        request: ``folder``, contains ``model.onnx`` and receives ``model.ncnn.param`` and
            ``model.ncnn.bin``; ``half``, whether weights are stored as FP16; ``inputs``, pairs of name and
            extents without the batch; ``outputs``, names; ``all``, whether these are all outputs of the
            ONNX model.

    Returns:
        ``tools``: package to version. ``unknown``: layer types that ncnn does not have; if there are any,
        nothing else was done. ``difference``: the largest difference of an output from ONNX, on noise, as a
        share of its largest value; None if the ONNX model does not run on noise.
    """
    import importlib.metadata

    os.chdir(request["folder"])
    if not request["all"]:
        keep_outputs(request["outputs"])
    convert(half=request["half"])
    tools = {name: importlib.metadata.version(name) for name in ("pnnx", "ncnn", "onnxruntime")}
    with open(f"{MADE}.param", encoding="utf-8") as stream:
        text = stream.read()
    if missing := find_unknown(text):
        return {"tools": tools, "unknown": missing, "difference": None}
    named = restore_names(text, request["inputs"], request["outputs"])
    with open(f"{MADE}.param", "w", encoding="utf-8", newline="\n") as stream:
        stream.write(named)
    difference = compare([name for name, _ in request["inputs"]], request["outputs"])
    return {"tools": tools, "unknown": [], "difference": difference}


def keep_outputs(kept: list[str]) -> None:
    """Remove all other outputs from the model in the working directory; pnnx drops unused operators."""
    import onnx

    model = onnx.load("model.onnx")
    outputs = [value for value in model.graph.output if value.name in kept]
    del model.graph.output[:]
    model.graph.output.extend(outputs)
    onnx.save(model, "model.onnx")


def convert(*, half: bool) -> None:
    """Run pnnx on the model in the working directory."""
    import importlib.util
    import subprocess

    # Located without an import: its Python module needs torch, the executable in the package does not.
    package = importlib.util.find_spec("pnnx")
    if package is None or package.origin is None:
        raise RuntimeError("pnnx is not installed")
    program = os.path.join(os.path.dirname(package.origin), "pnnx")
    done = subprocess.run([program, "model.onnx", f"fp16={int(half)}"], check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise RuntimeError(f"pnnx ended with exit status {done.returncode}")
    for suffix in ("param", "bin"):
        if not os.path.exists(f"{MADE}.{suffix}"):
            raise RuntimeError(f"pnnx wrote no {MADE}.{suffix}")


def find_unknown(text: str) -> list[str]:
    """Return the layer types that ncnn does not have, sorted."""
    import ncnn

    types = {line.split()[0] for line in text.splitlines()[2:]}
    return sorted(kind for kind in types if ncnn.create_layer(kind) is None)


def restore_names(text: str, inputs: list[tuple[str, list[int]]], outputs: list[str]) -> str:
    """Give inputs and outputs of the graph the names and the order they have in ONNX.

    pnnx calls them ``in0``, ``in1``, …, and ``out0``, ``out1``, …, by their position in the ONNX model. The
    extents of inputs are written too, as ncnn's own converters do.

    Args:
        text: The graph.
        inputs: Pairs of name and extents, outermost first, without the batch.
        outputs: Names.
    """
    lines = text.splitlines()
    layers = [line.split() for line in lines[2:]]
    new_names = {f"in{index}": name for index, (name, _) in enumerate(inputs)}
    new_names |= {f"out{index}": name for index, name in enumerate(outputs)}
    written = [name for words in layers for name in value_names(words)[int(words[2]) :]]
    if lost := sorted(set(new_names) - set(written)):
        raise RuntimeError(f"{new_names[lost[0]]} is missing in the output of pnnx")
    names = resolve_conflicts(written, new_names)
    extents = {f"in{index}": shape for index, (_, shape) in enumerate(inputs)}
    result = []
    for words in layers:
        first, last = 4, 4 + len(value_names(words))
        tail = words[last:]
        if words[0] == "Input":
            shape = extents[words[4]]
            words[1] = names[words[4]]
            keys = _EXTENTS[len(shape)]
            tail = [f"{key}={extent}" for key, extent in zip(keys, reversed(shape), strict=True)]
        renamed = [names.get(name, name) for name in words[first:last]]
        result.append([*words[:first], *renamed, *tail])
    order = [name for name in written if name.startswith("out") and name in new_names]
    count = len(set(written))
    if order != [f"out{index}" for index in range(len(outputs))]:
        # ncnn has no order of outputs, but users rely on one: Noop layers at the end write them in order.
        result = append_noops(result, outputs, set(names.values()) | set(written))
        count += len(outputs)
    body = [f"{words[0]:<24} {words[1]:<24} {' '.join(words[2:])}" for words in result]
    return "\n".join([lines[0], f"{len(result)} {count}", *body]) + "\n"


def value_names(words: list[str]) -> list[str]:
    """Return the names of the values that a layer reads, then of those it writes."""
    return words[4 : 4 + int(words[2]) + int(words[3])]


def resolve_conflicts(written: list[str], new_names: dict[str, str]) -> dict[str, str]:
    """Add new names for inner values that have the name of an input or output."""
    names = dict(new_names)
    taken = set(written) | set(new_names.values())
    for name in written:
        if name in new_names.values() and name not in new_names:
            names[name] = reserve_name(name, taken)
    return names


def reserve_name(name: str, taken: set[str]) -> str:
    """Append underscores until the name is free, and mark it as taken."""
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def append_noops(layers: list[list[str]], outputs: list[str], taken: set[str]) -> list[list[str]]:
    """Append one Noop layer per output, in the order of the outputs."""
    inner = {name: reserve_name(name, taken) for name in outputs}
    moved = [[*words[:4], *(inner.get(word, word) for word in words[4:])] for words in layers]
    return moved + [["Noop", f"hand_out_{name}", "1", "1", inner[name], name] for name in outputs]


def compare(inputs: list[str], outputs: list[str]) -> float | None:
    """Return the largest relative difference between the outputs of the two models on noise."""
    import numpy
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession("model.onnx", options, providers=["CPUExecutionProvider"])
    random = numpy.random.default_rng(0)
    feeds = {
        value.name: random.standard_normal([1, *value.shape[1:]]).astype("float32")
        for value in session.get_inputs()
    }
    try:
        expected = session.run(outputs, feeds)
    except Exception:  # for example, noise is no valid index
        return None
    found = run([(name, feeds[name]) for name in inputs], outputs)
    shares = [0.0]
    for name, one, other in zip(outputs, expected, found, strict=True):
        if one.shape != (1, *other.shape):
            raise RuntimeError(f"{name} of {one.shape} became one of {other.shape}, apart from the batch")
        largest = max(float(numpy.abs(one).max()), _SMALLEST)
        shares.append(float(numpy.abs(one[0].astype("float64") - other.astype("float64")).max()) / largest)
    return max(shares)


def run(feeds: list[tuple[str, Any]], outputs: list[str]) -> list[Any]:
    """Run the ncnn model on one image, in FP32."""
    import ncnn
    import numpy

    net = ncnn.Net()
    for kind in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_storage", "bf16_packed"):
        setattr(net.opt, f"use_{kind}", False)
    if net.load_param(f"{MADE}.param") or net.load_model(f"{MADE}.bin"):
        raise RuntimeError("ncnn does not load what pnnx wrote")
    extractor = net.create_extractor()
    for name, array in feeds:
        # A copy: a matrix that shares memory with an array crashes in layers that work in place.
        extractor.input(name, ncnn.Mat(numpy.ascontiguousarray(array[0])).clone())
    found = []
    for name in outputs:
        failed, matrix = extractor.extract(name)
        if failed:
            raise RuntimeError(f"ncnn could not compute {name}")
        found.append(numpy.array(matrix))
    return found
