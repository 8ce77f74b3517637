"""Where the links of a document lead."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

from registry.readme_import.cells import Size, file_name, sizes, stem

_ON_GITHUB = re.compile(r"https://github\.com/([^/]+/[^/]+)/(?:tree|blob)/(.+?)/((?:configs|deploy|docs)/.+)")
_RAW = re.compile(r"https://raw\.githubusercontent\.com/[^/]+/[^/]+/.+?/((?:configs|deploy|docs)/.+)")
_SIDE = re.compile(r"(?<=_)(\d{3,4})(?=_|$)")


@dataclass(frozen=True)
class Place:
    """Where a document stands.

    Attributes:
        document: What sources call it.
        path: Its path in its repository; None leaves relative links as they are.
        repository: ``owner/name`` on GitHub.
        revision: Commit or branch it was read at.
        release: Release its numbers belong to.
    """

    document: str
    path: str | None = None
    repository: str = "PaddlePaddle/PaddleDetection"
    revision: str | None = None
    release: str | None = None

    def resolved(self, url: str) -> str | None:
        """The address a link means; a path in the repository where no revision is known.

        Args:
            url: As it stands in the document.

        Returns:
            None for a relative link of a document whose own path is not known.
        """
        if match := _ON_GITHUB.fullmatch(url):
            return f"https://raw.githubusercontent.com/{match[1]}/{match[2]}/{match[3]}"
        if re.match(r"[a-z][a-z0-9+.-]*:", url, re.IGNORECASE):
            return url
        if self.path is None:
            return None
        inside = posixpath.normpath(posixpath.join(posixpath.dirname(self.path), url.partition("#")[0]))
        if self.revision is None:
            return inside
        return f"https://raw.githubusercontent.com/{self.repository}/{self.revision}/{inside}"


def repository_path(url: str) -> str | None:
    """Path of a file in its repository, from an address on GitHub or from such a path itself."""
    match = _RAW.fullmatch(url) or _ON_GITHUB.fullmatch(url)
    if match:
        return match[match.lastindex or 0]
    return url if url.startswith(("configs/", "deploy/", "docs/")) else None


def other_size(url: str, size: Size | None) -> str | None:
    """The size in a file's name, in words, when it is not the size of its row."""
    if size is None:
        return None
    pairs = sizes(file_name(url).replace("_", " "))
    if pairs:
        return None if size in pairs else str(pairs[0])
    sides = [int(side) for side in _SIDE.findall(stem(url)) if int(side) % 32 == 0]
    return None if not sides or {size.height, size.width} & set(sides) else str(sides[0])
