"""Converts ONNX models to TensorFlow Lite, now called LiteRT."""
