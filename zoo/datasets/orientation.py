"""Decide whether EXIF orientations apply: annotations can be made on stored pixels or on upright images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from zoo._utils.choices import Exif
from zoo._utils.image_header import ImageHeader, parse_header

if TYPE_CHECKING:
    from zoo.datasets.coco import CocoImage

_HEAD = 1 << 16  # bytes; enough for most JPEG headers
_UPRIGHT = 1


def decide_orientation(
    images: Sequence[CocoImage], *, default: bool, choice: Exif | None = None
) -> tuple[tuple[CocoImage, ...], str | None]:
    """Set ``honor_exif`` of images, so that pixels and annotations use the same coordinates.

    An image whose EXIF orientation swaps width and height matches the annotated size either with or without
    rotation. Other orientations (mirrored, or rotated by 180 degrees) follow the majority of these images,
    and the protocol if there are none.

    Args:
        images: Images whose files exist.
        default: Whether the protocol applies the orientation.
        choice: Decision of the user for all images.

    Returns:
        The images, and a sentence about the decision if any image has an orientation.
    """
    if choice is not None:
        return tuple(replace(image, honor_exif=choice == "apply") for image in images), None
    headers = {image.id: header for image in images if (header := _rotated_header(image.path))}
    if not headers:
        return tuple(images), None
    votes = {image.id: _vote(image, headers[image.id]) for image in images if image.id in headers}
    decided = [vote for vote in votes.values() if vote is not None]
    fallback = default if 2 * sum(decided) == len(decided) else 2 * sum(decided) > len(decided)
    honored = {number: fallback if vote is None else vote for number, vote in votes.items()}
    changed = tuple(replace(image, honor_exif=honored.get(image.id)) for image in images)
    return changed, _describe(list(honored.values()), undecided=not decided)


def _vote(image: CocoImage, header: ImageHeader) -> bool | None:
    """Whether the annotated size is that of the rotated image; None if the sizes cannot tell."""
    upright, stored = header.size(honor_exif=True), header.size(honor_exif=False)
    annotated = (image.width, image.height)
    if upright == stored:
        return None
    if annotated in (upright, stored):
        return annotated == upright
    # Scaled since: portrait or landscape can still tell.
    if image.width == image.height:
        return None
    return (image.width > image.height) == (upright[0] > upright[1])


def _describe(honored: Sequence[bool], *, undecided: bool) -> str:
    count, applied = len(honored), sum(honored)
    if 0 < applied < count:
        return (
            f"EXIF orientations were applied to {applied} and ignored for {count - applied} images, as their "
            "annotated sizes indicate; --exif apply or ignore overrides this"
        )
    action, other = ("applied", "ignore") if applied else ("ignored", "apply")
    if undecided:
        return (
            f"{count} images have an EXIF orientation that keeps their size; it was {action}, as in the "
            f"protocol; pass --exif {other} if the annotations need the opposite"
        )
    return (
        f"{count} images have an EXIF orientation; it was {action}, as their annotated sizes indicate; "
        f"--exif {other} overrides this"
    )


def _rotated_header(path: Path) -> ImageHeader | None:
    """Header of an image with an EXIF orientation; None for upright and unreadable images."""
    try:
        with path.open("rb") as file:
            data = file.read(_HEAD)
            header = parse_header(data)
            if header is None or data.startswith(b"RIFF"):  # WebP stores EXIF data at its end
                header = parse_header(data + file.read())
    except OSError:
        return None  # reported when the image is decoded
    return header if header and header.orientation != _UPRIGHT else None
