"""Inference models to Paddle-Lite."""

from converters.lite.convert import LiteOptions, lite_key, needs_legacy, refuse_contradictions, to_lite

__all__ = ["LiteOptions", "lite_key", "needs_legacy", "refuse_contradictions", "to_lite"]
