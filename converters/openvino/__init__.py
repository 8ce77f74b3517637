"""ONNX models to OpenVINO."""
