"""ONNX models to ncnn."""
