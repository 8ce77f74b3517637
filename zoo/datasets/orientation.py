"""Decide whether EXIF orientations apply: annotations can be made on stored pixels or on upright images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from zoo._utils.choices import Exif
from zoo._utils.image_header import ImageHeader, parse_header

_HEAD = 1 << 16  # bytes; enough for most JPEG headers
_UPRIGHT = 1


@dataclass(frozen=True)
class AnnotatedSize:
    """An image file and its size in the annotation file.

    Attributes:
        path: The file.
        width: Columns in pixels, as annotated.
        height: Rows in pixels, as annotated.
    """

    path: Path
    width: float
    height: float


def decide_orientation(
    images: Sequence[AnnotatedSize], *, default: bool, choice: Exif | None = None
) -> tuple[list[bool | None], str | None]:
    """Decide for each image whether its EXIF orientation applies, so that pixels and annotations agree.

    An image whose EXIF orientation swaps width and height matches the annotated size either with or without
    rotation. Other orientations (mirrored, or rotated by 180 degrees) follow the majority of these images,
    and the protocol if there are none.

    Args:
        images: Images and their annotated sizes.
        default: Whether the protocol applies the orientation.
        choice: Decision of the user for all images.

    Returns:
        Whether the orientation of each image applies, None for images without one, and a sentence about the
        decision if any image has one.
    """
    if choice is not None:
        return [choice == "apply"] * len(images), None
    headers = [_rotated_header(image.path) for image in images]
    votes = [_vote(image, header) for image, header in zip(images, headers, strict=True) if header]
    decided = [vote for vote in votes if vote is not None]
    fallback = default if 2 * sum(decided) == len(decided) else 2 * sum(decided) > len(decided)
    answers = iter([fallback if vote is None else vote for vote in votes])
    honored = [next(answers) if header else None for header in headers]
    applied = [each for each in honored if each is not None]
    return honored, _describe(applied, undecided=not decided) if applied else None


def _vote(image: AnnotatedSize, header: ImageHeader) -> bool | None:
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
