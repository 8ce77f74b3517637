"""Proves that paddle, paddle2onnx and onnx import side by side. Runs under any interpreter that has them."""


def main(request: "dict[str, object]") -> "dict[str, object]":
    """Import what a conversion imports."""
    import onnx
    import paddle
    import paddle2onnx.command

    return {
        "version": str(paddle2onnx.__version__),
        "paddle": str(paddle.__version__),
        "onnx": str(onnx.__version__),
    }
