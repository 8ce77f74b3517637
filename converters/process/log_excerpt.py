"""Extracts the lines of a native tool's log that explain why it stopped."""

from __future__ import annotations

import re

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e\u00a0-\uffff]")

# Paddle-Lite: "[F 11/22 11: 2:42.391 ...d/Paddle-Lite/lite/core/model/base/io.cc:54 Read] Check failed: …"
_LITE_PREFIX = re.compile(r"^\[(?P<level>[VIWEF]) +\d+/\d+ [\d:. ]+ [^\]]*\] *")
# glog: "I1122 11:02:45.707952  7601 program_interpreter.cc:257] …"
_GLOG_PREFIX = re.compile(r"^(?P<level>[IWEF])\d{4} [\d:.]+ +\d+ [^\]]*\] *")
# paddle2onnx: "2026-11-22 11:02:44 [ERROR]<tab>…" and "[ERROR][Paddle2ONNX] …"
_STAMP_PREFIX = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d *")
_TAG = re.compile(r"^(\[Paddle2ONNX\] *)?\[(?P<level>ERROR|WARNING|INFO|DEBUG)\] *(\[Paddle2ONNX\] *)?")

_OTHER_LEVELS = {"V", "I", "W", "WARNING", "INFO", "DEBUG"}
_ERROR_LEVELS = {"E", "F", "ERROR"}
_NOISE = re.compile(
    r"^(File \"|Traceback \(most|C\+\+ Traceback|Error Message Summary|\d+ {2,}\S|-{5,}|\[(Time|Signal)Info:"
    r"|warnings\.warn|FatalError: `.*` is detected by the operating system|\.$)"
)
_COMPLAINT = re.compile(
    r"(?i)\b(check failed|failed|fatal|abort|cannot|can't|unable|not supported|unsupported|no such"
    r"|out of memory|bad_alloc|no space left|please set)|\w*(Error|Exception)\b ?:"
)

_MAX_LINES = 3
_MAX_LENGTH = 400


def extract_error_lines(log: str, *, complaints_only: bool = False) -> str | None:
    """Return the error lines of a log, without colors, time stamps, source positions and stack traces.

    Args:
        log: The output of the tool.
        complaints_only: Ignore a last line that does not look like an error.

    Returns:
        At most three lines in their order and at most 400 characters; None if there is no meaningful line.
    """
    errors: list[str] = []
    other: list[str] = []
    for raw in log.splitlines():
        line, level = _strip(raw)
        if not line or _NOISE.match(line) or level in _OTHER_LEVELS:
            continue
        (errors if level in _ERROR_LEVELS or _COMPLAINT.search(line) else other).append(line)
    fallback = [] if complaints_only else other[-1:]
    text = "; ".join(dict.fromkeys(errors[-_MAX_LINES:] or fallback))
    if not text:
        return None
    return text if len(text) <= _MAX_LENGTH else text[: _MAX_LENGTH - 1] + "…"


def _strip(raw: str) -> tuple[str, str | None]:
    line = _UNPRINTABLE.sub(" ", _ANSI.sub("", raw)).strip()
    line = _STAMP_PREFIX.sub("", line)
    for prefix in (_LITE_PREFIX, _GLOG_PREFIX, _TAG):
        if match := prefix.match(line):
            return line[match.end() :].strip(), match["level"]
    return line, None
