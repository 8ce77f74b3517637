"""Model zoo for PP-TinyPose and PicoDet: fetch, convert, verify and run models.

import zoo

zoo.list_models(task="keypoint_detection")
zoo.fetch("picodet_s_320_pedestrian", lite="fp16").path
zoo.load("tinypose_128x96", detector="picodet_s_192_pedestrian")("image.jpg").poses
zoo.validate("tinypose_128x96", data="coco/").metrics.AP
"""

from importlib.util import find_spec as _find_spec
from pathlib import Path as _Path
from types import ModuleType as _ModuleType
from typing import TYPE_CHECKING as _TYPE_CHECKING

# `registry` and `converters` are common names: a registry.py next to a user's script precedes this project's
# package on the import path. Checked here, where the error can still name the cause.
for _name in ("registry", "converters"):
    _spec = _find_spec(_name)
    _origin = _Path(_spec.origin).resolve() if _spec and _spec.origin else None
    if _origin is None or _origin.parent.parent != _Path(__file__).resolve().parent.parent:
        raise ImportError(
            f"paddle-zoo needs its own package {_name!r}, but Python found "
            f"{_origin or 'none'} first: rename that file or folder, or start Python from another folder"
        )

if _TYPE_CHECKING:
    from registry.errors import ZooError
    from zoo.api import (
        bench,
        bundle,
        compare,
        convert,
        fetch,
        import_bundle,
        list_models,
        load,
        mirror,
        model_info,
        report,
        sign,
        validate,
        verify_signature,
    )

__all__ = [
    "ZooError",
    "bench",
    "bundle",
    "compare",
    "convert",
    "fetch",
    "import_bundle",
    "list_models",
    "load",
    "mirror",
    "model_info",
    "report",
    "sign",
    "validate",
    "verify_signature",
]


def __getattr__(name: str) -> object:
    module: _ModuleType
    # Imported on first use, so that each command imports only what it needs, and `zoo list` next to nothing.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "ZooError":
        from registry import errors as module
    else:
        from zoo import api as module
    value = getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
