"""Tests that paddle, paddle2onnx and onnx can be imported together, in any interpreter that has them."""


def main(request: "dict[str, object]") -> "dict[str, object]":
    """Import the packages of a conversion."""
    import onnx
    import paddle
    import paddle2onnx.command

    return {
        "version": str(paddle2onnx.__version__),
        "paddle": str(paddle.__version__),
        "onnx": str(onnx.__version__),
    }
