"""Proves that pnnx and ncnn work: converts a sigmoid from ONNX and runs it."""

# An ONNX model, opset 11, of one operator: y = Sigmoid(x), both float32 of 1 x 2.
SIGMOID = (
    "08063a3e0a0f0a017812017922075369676d6f69641201675a130a0178120e0a0c080112080a0208010a0208"
    "0262130a0179120e0a0c080112080a0208010a02080242040a00100b"
)


def main(request: "dict[str, object]") -> "dict[str, object]":
    """Convert it in the working directory, and find the sigmoid of zero."""
    import importlib.metadata
    import importlib.util
    import os
    import subprocess

    import ncnn
    import numpy
    import onnx  # noqa: F401  conversions leave outputs out with it
    import onnxruntime  # noqa: F401  conversions compare with it

    with open("sigmoid.onnx", "wb") as stream:
        stream.write(bytes.fromhex(SIGMOID))
    # Looked for and not imported: its Python side wants torch, the program beside it does not.
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
    # A copy of its own: a matrix that borrows the memory of an array crashes where a layer works in place.
    extractor.input("in0", ncnn.Mat(zeros).clone())
    failed, answer = extractor.extract("out0")
    if failed or abs(float(numpy.array(answer)[0]) - 0.5) > 1e-3:
        raise RuntimeError("the sigmoid of 0 came out as " + str(numpy.array(answer)))
    return {"version": importlib.metadata.version("pnnx")}
