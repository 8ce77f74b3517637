"""Resolves the links of a document."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

from registry.readme_import.cells import Size, file_name, file_stem, find_sizes

_ON_GITHUB = re.compile(r"https://github\.com/([^/]+/[^/]+)/(?:tree|blob)/(.+?)/((?:configs|deploy|docs)/.+)")
_RAW = re.compile(r"https://raw\.githubusercontent\.com/[^/]+/[^/]+/.+?/((?:configs|deploy|docs)/.+)")
_SIDE = re.compile(r"(?<=_)(\d{3,4})(?=_|$)")


@dataclass(frozen=True)
class DocumentLocation:
    """Location of a document in its repository.

    Attributes:
        document: Name of the document in sources.
        path: Path in the repository; None leaves relative links unresolved.
        repository: ``owner/name`` on GitHub.
        revision: Commit or branch of the document.
        release: Release that its numbers belong to.
    """

    document: str
    path: str | None = None
    repository: str = "PaddlePaddle/PaddleDetection"
    revision: str | None = None
    release: str | None = None

    def resolve(self, url: str) -> str | None:
        """Return the URL of a link, or a path in the repository if no revision is given.

        Args:
            url: Link target as written in the document.

        Returns:
            None for a relative link of a document whose path is unknown.
        """
        if match := _ON_GITHUB.fullmatch(url):
            return f"https://raw.githubusercontent.com/{match[1]}/{match[2]}/{match[3]}"
        if re.match(r"[a-z][a-z0-9+.-]*:", url, re.IGNORECASE):
            return url
        if self.path is None:
            return None
        path = posixpath.normpath(posixpath.join(posixpath.dirname(self.path), url.partition("#")[0]))
        if self.revision is None:
            return path
        return f"https://raw.githubusercontent.com/{self.repository}/{self.revision}/{path}"


def to_repository_path(url: str) -> str | None:
    """Return the path of a file in its repository, from a GitHub URL or from such a path itself."""
    match = _RAW.fullmatch(url) or _ON_GITHUB.fullmatch(url)
    if match:
        return match[match.lastindex or 0]
    return url if url.startswith(("configs/", "deploy/", "docs/")) else None


def find_other_size(url: str, size: Size | None) -> str | None:
    """Return the size in a file name as text if it differs from the size of the row."""
    if size is None:
        return None
    pairs = find_sizes(file_name(url).replace("_", " "))
    if pairs:
        return None if size in pairs else str(pairs[0])
    sides = [int(side) for side in _SIDE.findall(file_stem(url)) if int(side) % 32 == 0]
    return None if not sides or {size.height, size.width} & set(sides) else str(sides[0])
