"""Summarize the configuration next to a model in one line per subject."""

from __future__ import annotations

from zoo.local_models.export_config import ExportConfig

_LABELS_SHOWN = 6


def summarize_config(config: ExportConfig) -> dict[str, str]:
    """Summarize what a configuration states about images, labels and suppression.

    Args:
        config: The configuration.

    Returns:
        Subject to text, without subjects that it does not mention.
    """
    geometry, pixels = config.geometry, config.pixels
    images = [
        f"{geometry.height}x{geometry.width}",
        geometry.resize.replace("_", " "),
        geometry.interpolation,
    ]
    if pixels is None:
        images.append("not normalized by the caller")
    else:
        values = (", ".join(f"{value:g}" for value in part) for part in (pixels.mean, pixels.std))
        images.append("pixels * {:.6g}, mean {}, deviation {}".format(pixels.scale, *values))
    texts = {"configured": config.path.name, "images": "; ".join(images)}
    if config.labels:
        more = ", …" if len(config.labels) > _LABELS_SHOWN else ""
        texts["labels"] = f"{len(config.labels)}: {', '.join(config.labels[:_LABELS_SHOWN])}{more}"
    if config.nms is not None:
        nms = config.nms
        texts["suppression"] = (
            f"score {nms.score_threshold:g}, IoU {nms.iou_threshold:g}, top {nms.top_k}, keep {nms.keep}"
        )
    if config.draw_threshold is not None:
        texts["drawn above"] = f"score {config.draw_threshold:g}"
    return texts
