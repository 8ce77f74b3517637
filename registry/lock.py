"""The lock: which bytes each published address had when they were first seen.

One format serves two files: the lock a project commits (``zoo.lock``) and the memory of one machine's store
(``lock.json``). It is a JSON object laid out for version control: one artifact a line, sorted by address, and
``"version"``, which sorts behind every address, always last, so that no line gains or loses a comma because
of its neighbors. An artifact never spans two lines, so a merge keeps or drops it whole; git's ``union``
driver merges two locks without help, and an address both sides locked differently is refused when read.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

from pydantic import Field, NonNegativeInt, ValidationError

from registry.errors import IntegrityError, UsageError
from registry.schema.artifact import Digest, Sha256, Url
from registry.schema.base import Model

VERSION = 1
_ARTIFACT = r"^(?:[a-z0-9_]+\.)?[a-z0-9_]+@[0-9A-Za-z.\-]+/[a-z0-9.\-]+$"
_CONFLICT_MARKERS = ("<<<<<<<", "=======", ">>>>>>>")


class Locked(Model):
    """What is remembered about one address.

    Attributes:
        artifact: Entry, release and artifact, for example ``tinypose_128x96@2021/lite-arm-fp16``.
        sha256: Digest of the published file, packed as it was served.
        size: Its size in bytes.
    """

    artifact: Annotated[str, Field(pattern=_ARTIFACT, max_length=200)]
    sha256: Sha256
    size: NonNegativeInt

    @property
    def digest(self) -> Digest:
        """Digest and size as the schema's value."""
        return Digest(sha256=self.sha256, size=self.size)


class Change(Model):
    """One address whose digest differs between two locks.

    Attributes:
        url: The address.
        before: What the first lock holds; None when it does not know the address.
        after: What the second lock holds; None when it does not know the address.
    """

    url: str
    before: Locked | None
    after: Locked | None

    @property
    def kind(self) -> Literal["added", "removed", "changed"]:
        """What happened on the way from the first lock to the second."""
        if self.before is None:
            return "added"
        return "removed" if self.after is None else "changed"


class _Line(Model):
    """One address and what stands beside it, to check both with the schema's own rules."""

    url: Url
    locked: Locked


class Lock(Model):
    """Addresses and the digests they were seen with. An empty lock knows nothing and refuses nothing.

    Attributes:
        artifacts: Canonical address (the first of the catalog, never a mirror's) to what is remembered.
    """

    artifacts: dict[str, Locked] = Field(default_factory=dict)

    @classmethod
    def parse(cls, text: str, path: Path) -> Lock:
        """Reads a lock.

        Args:
            text: Content of the file.
            path: The file, for messages.

        Raises:
            UsageError: ``bad-lock``: not a lock, or a line of it is wrong; names file and line.
        """
        return _Reader(text, path).read()

    @classmethod
    def read(cls, path: Path) -> Lock:
        """Reads a lock from its file.

        Raises:
            UsageError: ``bad-lock``, as for ``parse``; also when the file is not text.
            OSError: It cannot be read.
        """
        content = path.read_bytes()
        try:
            return cls.parse(content.decode(), path)
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise _bad_lock(path, line, f"byte {content[error.start]:#04x} is not UTF-8 text") from None

    def dump(self) -> str:
        """The lock as text: the same lock always gives the same bytes."""
        lines = [
            f"{_quote(url)}: {json.dumps(locked.model_dump(), sort_keys=True, ensure_ascii=True)},"
            for url, locked in sorted(self.artifacts.items())
        ]
        return "\n".join(["{", *lines, f'"version": {VERSION}', "}", ""])

    def get(self, url: str) -> Locked | None:
        """What is remembered about an address, or None."""
        return self.artifacts.get(url)

    def with_seen(self, url: str, locked: Locked) -> Lock:
        """A lock that also knows this address; the first sight stays.

        Raises:
            IntegrityError: ``digest-changed``: the address is known with another digest.
        """
        known = self.get(url)
        if known is not None and known.digest != locked.digest:
            raise IntegrityError(
                "digest-changed",
                f"{url} no longer has the bytes that were locked",
                expected=describe(known.digest),
                found=describe(locked.digest),
                done="kept the lock as it was",
                hint=f"zoo lock --accept {locked.artifact.partition('@')[0]}",
            )
        return self if known is not None else self.accepting(url, locked)

    def accepting(self, url: str, locked: Locked) -> Lock:
        """A lock that holds this digest, whatever it held before: for a change a person has looked at."""
        return Lock(artifacts={**self.artifacts, url: locked})

    def diff(self, other: Lock) -> tuple[Change, ...]:
        """Every address on which two locks differ in digest or size, sorted by address.

        Args:
            other: The later lock.
        """
        urls = sorted(self.artifacts.keys() | other.artifacts.keys())
        pairs = [Change(url=url, before=self.get(url), after=other.get(url)) for url in urls]
        return tuple(pair for pair in pairs if _digest(pair.before) != _digest(pair.after))


def describe(digest: Digest) -> str:
    """A digest in the words all messages use."""
    return f"sha256 {digest.sha256}, {digest.size} bytes"


def _digest(locked: Locked | None) -> Digest | None:
    return locked.digest if locked else None


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=True)


class _Reader:
    """Reads one lock and knows on which line a mistake is."""

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
                self._fail(
                    number, "an unresolved merge conflict: keep the line of each artifact that is right"
                )

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
        keys = [key for key, _ in pairs]
        for key in keys:
            if keys.count(key) > 1:
                self._fail(
                    self._line(_quote(key), last=True),
                    f"{key} stands here twice: keep the line that is right",
                )
        return dict(pairs)

    def _locked(self, url: str, value: Any) -> Locked:
        try:
            return _Line(url=url, locked=value).locked
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"] if part != "locked") or "value"
            return self._fail(self._line(_quote(url)), f"{url}: {field}: {first['msg']}")

    def _line(self, token: str, *, last: bool = False) -> int:
        """The line a token stands on; 1 when it is spelled with other escapes than ours."""
        position = self._text.rfind(token) if last else self._text.find(token)
        return self._text.count("\n", 0, max(position, 0)) + 1

    def _fail(self, line: int, problem: str) -> NoReturn:
        raise _bad_lock(self._path, line, problem)


def _bad_lock(path: Path, line: int, problem: str) -> UsageError:
    return UsageError(
        "bad-lock",
        f"{path}:{line}: {problem}",
        done="nothing was read from it",
        hint=f"mend line {line} of {path}, or restore the file from version control",
    )
