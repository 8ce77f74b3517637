"""Bounds-checked readers of Protocol Buffers and FlatBuffers."""
