"""Converts an ONNX model to ncnn, and compares the two. Runs in a child process."""

from __future__ import annotations

import os
from typing import Any

MADE = "model.ncnn"
_LEAST = 1e-3  # outputs that are all smaller are as good as zero, and zeros have no share to differ by
_EXTENTS = {1: (0,), 2: (0, 1), 3: (0, 1, 2), 4: (0, 1, 11, 2)}


def main(request: dict[str, Any]) -> dict[str, Any]:
    """Convert one model.

    Args:
        request: ``folder`` that holds ``model.onnx``, and takes ``model.ncnn.param`` and ``model.ncnn.bin``;
            ``half``, whether weights are stored in half precision; ``inputs``, pairs of name and extents
            without the batch; ``outputs``, names; ``all``, whether these are all that the ONNX model has.

    Returns:
        ``tools``: package to version. ``unknown``: types of layers that ncnn does not have; where there are
        any, nothing else was done. ``difference``: the largest difference of an output from ONNX, as a share
        of its largest value, on noise; None where the ONNX model does not run on it.
    """
    import importlib.metadata

    os.chdir(request["folder"])
    if not request["all"]:
        leave_out(request["outputs"])
    convert(half=request["half"])
    tools = {name: importlib.metadata.version(name) for name in ("pnnx", "ncnn", "onnxruntime")}
    with open(f"{MADE}.param", encoding="utf-8") as stream:
        text = stream.read()
    if missing := unknown(text):
        return {"tools": tools, "unknown": missing, "difference": None}
    named = with_names(text, request["inputs"], request["outputs"])
    with open(f"{MADE}.param", "w", encoding="utf-8", newline="\n") as stream:
        stream.write(named)
    difference = compare([name for name, _ in request["inputs"]], request["outputs"])
    return {"tools": tools, "unknown": [], "difference": difference}


def leave_out(kept: list[str]) -> None:
    """Take the other outputs off the model in the working directory; pnnx drops what led to them alone."""
    import onnx

    model = onnx.load("model.onnx")
    ends = [value for value in model.graph.output if value.name in kept]
    del model.graph.output[:]
    model.graph.output.extend(ends)
    onnx.save(model, "model.onnx")


def convert(*, half: bool) -> None:
    """Run pnnx on the model in the working directory."""
    import importlib.util
    import subprocess

    # Looked for and not imported: its Python side wants torch, the program beside it does not.
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


def unknown(text: str) -> list[str]:
    """Types of layers that ncnn does not have, sorted."""
    import ncnn

    types = {line.split()[0] for line in text.splitlines()[2:]}
    return sorted(kind for kind in types if ncnn.create_layer(kind) is None)


def with_names(text: str, inputs: list[tuple[str, list[int]]], outputs: list[str]) -> str:
    """The graph with its inputs and outputs called as in ONNX, and in that order.

    pnnx calls them ``in0``, ``in1``, …, and ``out0``, ``out1``, …, by their place in the ONNX model. Extents
    of inputs are written too, as ncnn's own converters do.

    Args:
        text: The graph.
        inputs: Pairs of name and extents, outermost first, without the batch.
        outputs: Names.
    """
    lines = text.splitlines()
    layers = [line.split() for line in lines[2:]]
    wanted = {f"in{place}": name for place, (name, _) in enumerate(inputs)}
    wanted |= {f"out{place}": name for place, name in enumerate(outputs)}
    written = [name for words in layers for name in values(words)[int(words[2]) :]]
    if lost := sorted(set(wanted) - set(written)):
        raise RuntimeError(f"{wanted[lost[0]]} takes no part in what pnnx made")
    names = free_names(written, wanted)
    extents = {f"in{place}": shape for place, (_, shape) in enumerate(inputs)}
    result = []
    for words in layers:
        first, last = 4, 4 + len(values(words))
        tail = words[last:]
        if words[0] == "Input":
            shape = extents[words[4]]
            words[1] = names[words[4]]
            places = _EXTENTS[len(shape)]
            tail = [f"{place}={extent}" for place, extent in zip(places, reversed(shape), strict=True)]
        renamed = [names.get(name, name) for name in words[first:last]]
        result.append([*words[:first], *renamed, *tail])
    ends = [name for name in written if name.startswith("out") and name in wanted]
    count = len(set(written))
    if ends != [f"out{place}" for place in range(len(outputs))]:
        # Order tells nothing in ncnn and everything here: a layer that does nothing hands each out in turn.
        result, count = in_order(result, outputs, set(names.values()) | set(written)), count + len(outputs)
    body = [f"{words[0]:<24} {words[1]:<24} {' '.join(words[2:])}" for words in result]
    return "\n".join([lines[0], f"{len(result)} {count}", *body]) + "\n"


def values(words: list[str]) -> list[str]:
    """Names of what a layer reads, then of what it writes."""
    return words[4 : 4 + int(words[2]) + int(words[3])]


def free_names(written: list[str], wanted: dict[str, str]) -> dict[str, str]:
    """New name of every value that gets one: of the ends, and of what is called like an end."""
    names = dict(wanted)
    taken = set(written) | set(wanted.values())
    for name in written:
        if name in wanted.values() and name not in wanted:
            names[name] = unused(name, taken)
    return names


def unused(name: str, taken: set[str]) -> str:
    """The name with as many underscores behind it as make it a new one; it is taken then."""
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def in_order(layers: list[list[str]], outputs: list[str], taken: set[str]) -> list[list[str]]:
    """The layers, with one more for each output at the end, in the order of the outputs."""
    inner = {name: unused(name, taken) for name in outputs}
    moved = [[*words[:4], *(inner.get(word, word) for word in words[4:])] for words in layers]
    return moved + [["Noop", f"hand_out_{name}", "1", "1", inner[name], name] for name in outputs]


def compare(inputs: list[str], outputs: list[str]) -> float | None:
    """Largest relative difference of an output of the two models on noise."""
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
    except Exception:  # an index among the inputs, for example, that noise is none of
        return None
    found = run([(name, feeds[name]) for name in inputs], outputs)
    shares = [0.0]
    for name, one, other in zip(outputs, expected, found, strict=True):
        if one.shape != (1, *other.shape):
            raise RuntimeError(f"{name} of {one.shape} became one of {other.shape}, apart from the batch")
        reach = max(float(numpy.abs(one).max()), _LEAST)
        shares.append(float(numpy.abs(one[0].astype("float64") - other.astype("float64")).max()) / reach)
    return max(shares)


def run(feeds: list[tuple[str, Any]], outputs: list[str]) -> list[Any]:
    """What the ncnn model makes of one image, computed in single precision."""
    import ncnn
    import numpy

    net = ncnn.Net()
    for kind in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_storage", "bf16_packed"):
        setattr(net.opt, f"use_{kind}", False)
    if net.load_param(f"{MADE}.param") or net.load_model(f"{MADE}.bin"):
        raise RuntimeError("ncnn does not load what pnnx wrote")
    extractor = net.create_extractor()
    for name, array in feeds:
        # A copy of its own: a matrix that borrows an array's memory crashes where a layer works in place.
        extractor.input(name, ncnn.Mat(numpy.ascontiguousarray(array[0])).clone())
    found = []
    for name in outputs:
        failed, matrix = extractor.extract(name)
        if failed:
            raise RuntimeError(f"ncnn could not compute {name}")
        found.append(numpy.array(matrix))
    return found
