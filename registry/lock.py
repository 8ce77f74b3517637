"""The lock: the digest each published URL had when it was first downloaded.

Two files have this format: the lock a project commits (``zoo.lock``) and the lock of one machine's cache
(``lock.json``). It is a JSON object formatted for version control: one artifact a line, sorted by URL.
``"version"`` sorts after every URL and is always last, so no line gains or loses a comma because of its
neighbors. An artifact never spans two lines, so a merge keeps or drops it whole. Git's ``union`` driver
merges two locks without conflicts, and a URL that both sides locked differently is refused on reading.
"""

from __future__ import annotations

import errno
import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

from pydantic import Field, NonNegativeInt, ValidationError

from registry.errors import IntegrityError, UsageError
from registry.printable import printable
from registry.schema.artifact import Digest, Sha256, Url
from registry.schema.base import Model

VERSION = 1
MAX_SIZE = 64 * 1024 * 1024
"""Bound on a lock file; one artifact takes about 200 bytes."""

_ARTIFACT = r"^(?:[a-z0-9_]+\.)?[a-z0-9_]+@[0-9A-Za-z.\-]+/[a-z0-9.\-]+$"
_CONFLICT_MARKERS = ("<<<<<<<", "=======", ">>>>>>>")


class Locked(Model):
    """The locked digest of one URL.

    Attributes:
        artifact: Entry, release and artifact, for example ``tinypose_128x96@2021/lite-arm-fp16``.
        sha256: Digest of the published file as it was served, before unpacking.
        size: Its size in bytes.
    """

    artifact: Annotated[str, Field(pattern=_ARTIFACT, max_length=200)]
    sha256: Sha256
    size: NonNegativeInt

    @property
    def digest(self) -> Digest:
        """Digest and size as a schema value."""
        return Digest(sha256=self.sha256, size=self.size)


class Change(Model):
    """One URL whose digest differs between two locks.

    Attributes:
        url: The URL.
        before: Its digest in the first lock; None when the first lock does not contain it.
        after: Its digest in the second lock; None when the second lock does not contain it.
    """

    url: str
    before: Locked | None
    after: Locked | None

    @property
    def kind(self) -> Literal["added", "removed", "changed"]:
        """What changed from the first lock to the second."""
        if self.before is None:
            return "added"
        return "removed" if self.after is None else "changed"


class _Line(Model):
    """One URL and its digest, validated by the rules of the schema."""

    url: Url
    locked: Locked


class Lock(Model):
    """URLs and the digests they were first downloaded with. An empty lock accepts every file.

    Attributes:
        artifacts: Canonical URL (the first of the catalog, never a mirror's) to its locked digest.
    """

    artifacts: dict[str, Locked] = Field(default_factory=dict)

    @classmethod
    def parse(cls, text: str, path: Path) -> Lock:
        """Read a lock.

        Args:
            text: Content of the file.
            path: The file, for messages.

        Raises:
            UsageError: ``bad-lock``: not a lock, or a line of it is invalid; the message names file and line.
        """
        return _Reader(text, path).read()

    @classmethod
    def read(cls, path: Path) -> Lock:
        """Read a lock from its file.

        Raises:
            UsageError: ``bad-lock``, as for ``parse``; also when the file is not text.
            OSError: It cannot be read, or is not a regular file.
        """
        # A named pipe would block until something writes to it.
        if path.exists() and not path.is_file():
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        with path.open("rb") as file:
            content = file.read(MAX_SIZE + 1)
        if len(content) > MAX_SIZE:
            raise _bad_lock(path, 1, f"larger than {MAX_SIZE // 2**20} MiB")
        try:
            return cls.parse(content.decode(), path)
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise _bad_lock(path, line, f"byte {content[error.start]:#04x} is not UTF-8 text") from None

    def dump(self) -> str:
        """Format the lock as text; the same lock always gives the same bytes."""
        lines = [
            f"{_quote(url)}: {json.dumps(locked.model_dump(), sort_keys=True, ensure_ascii=True)},"
            for url, locked in sorted(self.artifacts.items())
        ]
        return "\n".join(["{", *lines, f'"version": {VERSION}', "}", ""])

    def get(self, url: str) -> Locked | None:
        """Return the locked digest of a URL, or None."""
        return self.artifacts.get(url)

    def with_seen(self, url: str, locked: Locked) -> Lock:
        """Return a lock that also contains this URL; a digest that is already locked stays.

        Raises:
            IntegrityError: ``digest-changed``: the URL is locked with another digest.
        """
        known = self.get(url)
        if known is not None and known.digest != locked.digest:
            raise IntegrityError(
                "digest-changed",
                f"The published file changed: {url} no longer matches its locked digest",
                expected=describe(known.digest),
                found=describe(locked.digest),
                done="the lock was not changed",
                hint=f"zoo lock --accept {locked.artifact.partition('@')[0]}",
            )
        return self if known is not None else self.with_replaced(url, locked)

    def with_replaced(self, url: str, locked: Locked) -> Lock:
        """Return a lock with this digest instead of the previous one, for a change that a user accepted."""
        return Lock(artifacts={**self.artifacts, url: locked})

    def diff(self, other: Lock) -> tuple[Change, ...]:
        """List the URLs whose digest or size differs between two locks, sorted by URL.

        Args:
            other: The later lock.
        """
        urls = sorted(self.artifacts.keys() | other.artifacts.keys())
        pairs = [Change(url=url, before=self.get(url), after=other.get(url)) for url in urls]
        return tuple(pair for pair in pairs if _digest(pair.before) != _digest(pair.after))


def describe(digest: Digest) -> str:
    """Format a digest as all messages show it."""
    return f"sha256 {digest.sha256}, {digest.size} bytes"


def _digest(locked: Locked | None) -> Digest | None:
    return locked.digest if locked else None


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=True)


class _Reader:
    """Read one lock and reports the line of a mistake."""

    def __init__(self, text: str, path: Path) -> None:
        self._text = text
        self._path = path

    def read(self) -> Lock:
        self._refuse_conflict_markers()
        data = self._decode()
        version = data.pop("version", None)
        if type(version) is not int or version != VERSION:
            self._fail(self._line('"version"'), f"expected version {VERSION}, found {version!r}")
        return Lock(artifacts={url: self._locked(url, value) for url, value in data.items()})

    def _refuse_conflict_markers(self) -> None:
        for number, line in enumerate(self._text.splitlines(), start=1):
            if line.startswith(_CONFLICT_MARKERS):
                self._fail(number, "unresolved merge conflict: keep the correct line of each artifact")

    def _decode(self) -> dict[str, Any]:
        try:
            data = json.loads(self._text, object_pairs_hook=self._unique)
        except json.JSONDecodeError as error:
            self._fail(error.lineno, f"not valid JSON: {error.msg}")
        except (RecursionError, ValueError) as error:  # too deep, or a number of too many digits
            self._fail(1, f"not valid JSON: {error}")
        if not isinstance(data, dict):
            self._fail(1, f"expected a JSON object, found {type(data).__name__}")
        return data

    def _unique(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        unique: dict[str, Any] = {}
        for key, value in pairs:
            if key in unique:
                line = self._line(_quote(key), last=True)
                self._fail(line, f"{key} is defined twice: keep the correct line")
            unique[key] = value
        return unique

    def _locked(self, url: str, value: Any) -> Locked:
        try:
            return _Line(url=url, locked=value).locked
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"] if part != "locked") or "value"
            shown = re.sub(r"(?<=//).*@", "***@", url)  # the URL may contain a password
            message = first["msg"].removeprefix("Value error, ")
            return self._fail(self._line(_quote(url)), f"{shown}: {field}: {message}")

    def _line(self, token: str, *, last: bool = False) -> int:
        """Return the line of a token; 1 when the file spells it with other escapes than ``dump``."""
        position = self._text.rfind(token) if last else self._text.find(token)
        return self._text.count("\n", 0, max(position, 0)) + 1

    def _fail(self, line: int, problem: str) -> NoReturn:
        # A JSON escape can stand for half a surrogate pair, which no output stream can encode.
        encodable = problem.encode(errors="backslashreplace").decode()
        raise _bad_lock(self._path, line, printable(encodable))


def _bad_lock(path: Path, line: int, problem: str) -> UsageError:
    return UsageError(
        "bad-lock",
        f"{path}:{line}: {problem}",
        done="nothing was read from it",
        hint=f"correct line {line} of {path}, or restore the file from version control",
    )
