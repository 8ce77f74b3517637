"""ONNX models to TensorFlow Lite, which is called LiteRT now."""
