"""The whole job for PP-TinyPose and PicoDet: fetch, verify, convert, prove.

import zoo

zoo.list_models(task="keypoint_detection")
zoo.fetch("picodet_s_320_pedestrian", lite="fp16").path
zoo.load("tinypose_128x96", detector="picodet_s_192_pedestrian")("photo.jpg").poses
zoo.validate("tinypose_128x96", data="coco/").metrics.AP
"""

from importlib.util import find_spec as _find_spec
from pathlib import Path as _Path

# `registry` and `converters` are common words: a user's own registry.py beside a script comes first on the
# path and would be imported in place of ours. Said here, where the words can still be plain.
for _name in ("registry", "converters"):
    _spec = _find_spec(_name)
    _origin = _Path(_spec.origin).resolve() if _spec and _spec.origin else None
    if _origin is None or _origin.parent.parent != _Path(__file__).resolve().parent.parent:
        raise ImportError(
            f"paddle-zoo needs its own package {_name!r}, but Python found "
            f"{_origin or 'none'} first: rename that file or folder, or start Python from another folder"
        )

from registry.errors import ZooError  # noqa: E402  (after the check above)
from zoo.api import convert, fetch, list_models, model_info  # noqa: E402
from zoo.models import bench, compare, load, validate  # noqa: E402

__all__ = [
    "ZooError",
    "bench",
    "compare",
    "convert",
    "fetch",
    "list_models",
    "load",
    "model_info",
    "validate",
]
