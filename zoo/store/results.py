"""Files of kept measurements: a document each, and optionally what was found in each image.

The name of a document has the key of what was measured, and the digest of its bytes: a damaged document is
found by reading it. Documents are only added and removed, never changed, so a reader needs no lock. The file
of the images is written first: a document whose process was killed does not exist.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from converters.fs.atomic import replace_bytes
from registry.errors import IntegrityError
from zoo._utils.cache_names import RESULT, is_result
from zoo._utils.cache_root import claim_cache
from zoo._utils.disk import translate_os_errors
from zoo.store.layout import Layout

DOCUMENT, IMAGES = ".json", ".images"
_ID = 16  # hexadecimal digits of the digest in a name
_LONGEST = 1 << 28  # bytes


@dataclass(frozen=True)
class ResultFile:
    """The document of one measurement.

    Attributes:
        path: The file.
        key: Key of what was measured.
        id: Beginning of the SHA-256 of the document.
    """

    path: Path
    key: str
    id: str

    @property
    def images(self) -> Path:
        """The file with what was found in each image; it may not exist."""
        return self.path.with_suffix(IMAGES)


def write_result(layout: Layout, key: str, document: bytes, images: bytes | None = None) -> ResultFile:
    """Add a document to the cache; it appears whole or not at all.

    Args:
        layout: The cache.
        key: 32 hexadecimal digits.
        document: Its content.
        images: What was found in each image.

    Raises:
        ZooError: The folder is not a cache, or cannot be written.
    """
    name = hashlib.sha256(document).hexdigest()[:_ID]
    path = layout.results / f"{key}-{name}{DOCUMENT}"
    with translate_os_errors(layout.root):
        claim_cache(layout.root)
        layout.results.mkdir(exist_ok=True)
        if images is not None:
            replace_bytes(images, path.with_suffix(IMAGES))
        replace_bytes(document, path)
    return ResultFile(path, key, name)


def list_results(layout: Layout, key: str | None = None) -> list[ResultFile]:
    """List the documents, by name.

    Args:
        layout: The cache.
        key: Only those of this key.
    """
    names = sorted(layout.results.glob(f"{key or ''}*{DOCUMENT}"))
    matches = [(path, RESULT.fullmatch(path.name)) for path in names if is_result(path)]
    return [ResultFile(path, match["key"], match["id"]) for path, match in matches if match is not None]


def read_result(file: ResultFile) -> bytes:
    """Read a document and compare it with the digest in its name.

    Raises:
        FileNotFoundError: It was removed meanwhile.
        IntegrityError: ``result-damaged``.
    """
    content = _read(file.path)
    found = hashlib.sha256(content).hexdigest()[:_ID]
    if found != file.id:
        raise _damaged(file.path, file.id, found)
    return content


def read_images(file: ResultFile, sha256: str) -> bytes:
    """Read what was found in each image.

    Args:
        file: The document.
        sha256: Digest in that document.

    Raises:
        FileNotFoundError: There is no such file.
        IntegrityError: ``result-damaged``.
    """
    content = _read(file.images)
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise _damaged(file.images, sha256[:_ID], found[:_ID])
    return content


def list_orphans(layout: Layout) -> list[Path]:
    """List files of images whose document was never written, or was removed first."""
    paths = sorted(layout.results.glob(f"*{IMAGES}"))
    return [path for path in paths if is_result(path) and not path.with_suffix(DOCUMENT).exists()]


def remove_result(file: ResultFile) -> None:
    """Remove a document and the file of its images; a missing one is no error."""
    file.path.unlink(missing_ok=True)  # first: a document must not refer to a missing file
    file.images.unlink(missing_ok=True)


def _read(path: Path) -> bytes:
    with path.open("rb") as stream:
        content = stream.read(_LONGEST + 1)
    if len(content) > _LONGEST:
        raise _damaged(path, f"at most {_LONGEST} bytes", "more")
    return content


def _damaged(path: Path, expected: str, found: str) -> IntegrityError:
    return IntegrityError(
        "result-damaged",
        f"the kept measurement {path} is damaged",
        expected=expected,
        found=found,
        done="it was not used",
        hint="zoo results prune --damaged",
    )
