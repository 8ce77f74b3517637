"""Converts an ONNX model to OpenVINO. Runs in a child process."""

from __future__ import annotations

import os
from typing import Any


def main(request: dict[str, Any]) -> dict[str, Any]:
    """Convert one model.

    Args:
        request: ``folder``, contains ``model.onnx`` and receives ``model.xml`` and ``model.bin``; ``half``,
            whether weights are stored as FP16.

    Returns:
        ``version`` of OpenVINO.
    """
    import importlib.metadata

    import openvino

    os.chdir(request["folder"])
    openvino.save_model(openvino.convert_model("model.onnx"), "model.xml", compress_to_fp16=request["half"])
    return {"version": importlib.metadata.version("openvino")}
