"""Commands to use an entry, ready to be copied."""

from __future__ import annotations

from registry import Entry
from registry.schema import Pipeline


def commands_of(entry: Entry | Pipeline) -> tuple[str, ...]:
    """List the commands that work for an entry, the most common first.

    Args:
        entry: The entry.
    """
    if isinstance(entry, Pipeline):
        return (f"zoo run {entry.pose} --detector {entry.detector} image.jpg --out out",)
    name = entry.name if entry.default else entry.id
    kinds = {artifact.kind for artifact in entry.artifacts if artifact.picked_by_default}
    convertible = "inference" in kinds or ("weights" in kinds and entry.architecture is not None)
    found = []
    if "inference" in kinds:
        found.append(f"zoo fetch {name}")
    elif "weights" in kinds:
        found.append(f"zoo fetch {name} --weights")
    lite = {artifact.precision for artifact in entry.artifacts if artifact.kind == "lite"}
    found += [f"zoo fetch {name} --lite {precision}" for precision in ("fp16", "fp32") if precision in lite]
    if convertible:
        found += [f"zoo fetch {name} --onnx fp32 --build", f"zoo run {name} image.jpg --out out --build"]
        if any(figure.protocol.kind in ("keypoints", "detection") for figure in entry.accuracy):
            found.append(f"zoo validate {name} --data coco --build")
    return tuple(found)
