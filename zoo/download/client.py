"""Downloads a file: retries within bounds, resumes, computes the digest on the way, refuses wrong bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from registry.errors import IntegrityError, NetworkError, ZooError
from registry.lock import describe
from registry.schema import Digest
from zoo._utils.checksums import RunningDigest
from zoo._utils.disk import require_room
from zoo.download.body import DownloadOptions, PartialContent, receive, too_large
from zoo.download.connect import open_transport
from zoo.download.partial import PartialFile, PartialState, safe_offset, source_digest
from zoo.download.redaction import redact
from zoo.download.response import (
    OTHER_SOURCE_HINT,
    RETRY_HINT,
    FileResponse,
    RetryableError,
    interpret_response,
)
from zoo.download.transport import Transport


@dataclass(frozen=True)
class Downloaded:
    """A complete download.

    Attributes:
        path: The complete partial file; the caller moves it to its final place.
        url: Where it came from, redacted.
        digest: SHA-256 and size.
        etag: The server's entity tag.
        last_modified: The server's date of the file.
    """

    path: Path
    url: str
    digest: Digest
    etag: str | None
    last_modified: str | None


def download(urls: Sequence[str], part: Path, options: DownloadOptions) -> Downloaded:
    """Download a file from the first of several addresses that has it.

    The bytes are written to ``part``, which has a small state file; both stay when the download fails in a
    way that a later call can continue. The caller holds the lock that guards ``part``.

    Args:
        urls: Addresses in order of preference.
        part: The partial file.
        options: Expected digest, limits, retry policy and callbacks.

    Raises:
        NetworkError: ``not-on-server``, ``server-error``, ``network-unreachable``, ``connection-lost``,
            ``download-stalled``, ``too-many-redirects``, ``insecure-redirect``.
        IntegrityError: ``digest-mismatch`` or ``size-mismatch`` (the bytes stay in ``part`` for the caller to
            put aside), ``unexpected-response``, ``download-too-large``.
        UsageError: ``bad-setting``: the environment names a proxy that cannot be used.
    """
    part.parent.mkdir(parents=True, exist_ok=True)
    failures: list[ZooError] = []
    for url in options.health.sort(urls, options.note):
        try:
            with open_transport(url, options.policy, options.mirrors, options.named) as transport:
                result = _Download(transport, url, PartialFile(part), options).run()
        except NetworkError as error:
            # A missing file does not make its server unhealthy.
            if error.code != "not-on-server":
                options.health.record_failure(url)
            failures.append(error)
        except IntegrityError as error:
            # If one server sends an error page, another may have the file. Wrong bytes are always reported.
            if error.code != "unexpected-response":
                raise
            options.health.record_failure(url)
            failures.append(error)
        else:
            options.health.record_success(url)
            return result
    raise _summary(failures)


def _summary(failures: Sequence[ZooError]) -> ZooError:
    """The error to report when no address worked: the first one that is more than a missing file."""
    main = next((error for error in failures if error.code != "not-on-server"), failures[0])
    if len(failures) > 1:
        others = [f"{error.message} ({error.found})" for error in failures if error is not main]
        main.found = "; ".join([main.found or main.message, *others])
    return main


class _Download:
    """The download from one address."""

    def __init__(self, transport: Transport, url: str, part: PartialFile, options: DownloadOptions) -> None:
        self._transport = transport
        self._url = url
        self._part = part
        self._options = options

    def run(self) -> Downloaded:
        failures = 0
        policy = self._options.policy
        for attempt in range(1, policy.max_attempts + 1):
            before = self._part.size
            try:
                return self._attempt()
            except RetryableError as failed:
                gained = self._part.size - before >= policy.stall_bytes and not failed.restart
                failures = 1 if gained else failures + 1
                pause = failed.retry_after
                if pause is None:
                    pause = policy.backoff_seconds(failures)
                last = failures >= policy.attempts or attempt == policy.max_attempts
                if last or pause > policy.max_retry_after:
                    raise self._final_error(failed, attempt) from None
                if failed.restart:
                    self._part.discard()
                self._options.note(f"{failed.error.message}; trying again in {pause:.1f} s")
                policy.sleep(pause)
        raise AssertionError("a policy allows at least one attempt")

    def _attempt(self) -> Downloaded:
        partial = self._load_partial()
        if partial is not None and partial.complete:
            return self._finish(partial, resumed=True)
        requested = partial.range_request if partial is not None else None
        with self._transport.get(self._url, requested.headers() if requested else {}) as reply:
            response = interpret_response(
                self._url,
                reply.status,
                reply.headers,
                requested=requested,
                has_digest=self._options.expected is not None,
                now=datetime.now(timezone.utc),
            )
            if partial is not None and response.kind == "rest":
                self._check_size(response.total, partial.size)
                update = {"total": response.total, "etag": response.etag}
                partial.state = partial.state.model_copy(update=update)
            else:
                self._check_size(response.total, 0)
                partial = PartialContent(
                    self._start(response), RunningDigest(response.checksums, threaded=True)
                )
            receive(reply.blocks, self._url, self._part, partial, self._options)
        return self._finish(partial, resumed=response.kind == "rest")

    def _load_partial(self) -> PartialContent | None:
        """The usable bytes of an earlier attempt, with their digest computed from the disk."""
        state, offset = self._resumable()
        if state is None or offset == 0:
            return None
        self._part.truncate(offset)
        fingerprint = RunningDigest(state.checksums, threaded=True)
        fingerprint.update_from(self._part.path)
        return PartialContent(state, fingerprint)

    def _resumable(self) -> tuple[PartialState | None, int]:
        """State of the partial file, and the offset from which the next attempt would resume."""
        state = self._part.load(self._url, has_digest=self._options.expected is not None)
        return state, safe_offset(state, self._part.size, self._options.expected)

    def _start(self, response: FileResponse) -> PartialState:
        state = PartialState(
            url=redact(self._url),
            source=source_digest(self._url),
            etag=response.etag,
            last_modified=response.last_modified,
            total=response.total,
            checksums=response.checksums,
            ranges=response.ranges,
        )
        self._part.start(state)
        return state

    def _finish(self, partial: PartialContent, *, resumed: bool) -> Downloaded:
        digest, expected = partial.fingerprint.digest, self._options.expected
        damage = partial.fingerprint.contradiction()
        if damage:
            raise RetryableError(_damaged_in_transit(self._url, damage), restart=True)
        if expected is not None and expected != digest:
            error = _other_bytes(self._url, expected, digest)
            if resumed:  # parts of two versions, or a part that never reached the disk
                raise RetryableError(error, restart=True)
            self._part.remove_state()
            raise error
        self._part.record_synced(partial.state.model_copy(update={"total": digest.size}), digest.size)
        return Downloaded(
            self._part.path,
            redact(self._url),
            digest,
            etag=partial.state.etag,
            last_modified=partial.state.last_modified,
        )

    def _check_size(self, total: int | None, present: int) -> None:
        """Refuse a file beyond its limit or the free space before a byte of it is stored."""
        if total is None:
            return
        if total > self._options.largest:
            raise too_large(self._url, f"{total} bytes announced", self._options.largest)
        require_room(self._part.path.parent, total - present)

    def _final_error(self, failed: RetryableError, attempts: int) -> ZooError:
        error, size = failed.error, self._part.size
        error.found = f"{error.found or error.message}; gave up after {attempts} tries"
        if failed.retry_after is not None:
            error.found += f"; the server asks to wait {failed.retry_after:.0f} s"
        if error.done is None:
            error.done = f"kept the {size} bytes received so far" if size else "nothing was stored"
        if error.code == "connection-lost":
            error.hint = self._hint_after_loss()
        return error

    def _hint_after_loss(self) -> str:
        _, offset = self._resumable()
        if offset:
            return f"run the command again: it resumes the download at byte {offset}"
        return f"run the command again: it starts over; or {OTHER_SOURCE_HINT}"


def _damaged_in_transit(url: str, damage: str) -> IntegrityError:
    return IntegrityError(
        "digest-mismatch", f"{redact(url)}: the file was damaged in transit", found=damage, hint=RETRY_HINT
    )


def _other_bytes(url: str, expected: Digest, found: Digest) -> IntegrityError:
    same_size = expected.size == found.size
    return IntegrityError(
        "digest-mismatch" if same_size else "size-mismatch",
        f"{redact(url)}: the server sent a file whose digest does not match the recorded one",
        expected=describe(expected),
        found=describe(found),
        hint=OTHER_SOURCE_HINT,
    )
