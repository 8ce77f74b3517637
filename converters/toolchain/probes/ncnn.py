"""Tests pnnx and ncnn: converts a sigmoid from ONNX and runs it."""

# An ONNX model, opset 11, of one operator: y = Sigmoid(x), both float32 of 1 x 2.
SIGMOID = (
    "08063a3e0a0f0a017812017922075369676d6f69641201675a130a0178120e0a0c080112080a0208010a0208"
    "0262130a0179120e0a0c080112080a0208010a02080242040a00100b"
)


def main(request: "dict[str, object]") -> "dict[str, object]":
    """Convert the sigmoid in the working directory, and compute its value at zero."""
    import importlib.metadata
    import importlib.util
    import os
    import subprocess

    import ncnn
    import numpy
    import onnx  # noqa: F401  conversions remove outputs with it
    import onnxruntime  # noqa: F401  conversions compare with it

    with open("sigmoid.onnx", "wb") as stream:
        stream.write(bytes.fromhex(SIGMOID))
    # Located without an import: its Python module needs torch, the executable in the package does not.
    package = importlib.util.find_spec("pnnx")
    if package is None or package.origin is None:
        raise RuntimeError("pnnx is not installed")
    program = os.path.join(os.path.dirname(package.origin), "pnnx")
    subprocess.run([program, "sigmoid.onnx", "fp16=0"], check=True, stdin=subprocess.DEVNULL)
    net = ncnn.Net()
    if net.load_param("sigmoid.ncnn.param") or net.load_model("sigmoid.ncnn.bin"):
        raise RuntimeError("ncnn does not load what pnnx wrote")
    extractor = net.create_extractor()
    zeros = numpy.zeros(2, dtype="float32")
    # A copy: a matrix that shares memory with an array crashes in layers that work in place.
    extractor.input("in0", ncnn.Mat(zeros).clone())
    failed, answer = extractor.extract("out0")
    if failed or abs(float(numpy.array(answer)[0]) - 0.5) > 1e-3:
        raise RuntimeError("the sigmoid of 0 gave " + str(numpy.array(answer)))
    return {"version": importlib.metadata.version("pnnx")}
