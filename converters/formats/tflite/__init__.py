"""Reader of TensorFlow Lite models."""
