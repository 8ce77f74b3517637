"""From the log of a native tool, the sentence that says why it stopped."""

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

_QUIET_LEVELS = {"V", "I", "W", "WARNING", "INFO", "DEBUG"}
_LOUD_LEVELS = {"E", "F", "ERROR"}
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
    """What a tool said about its end, without colors, time stamps, source positions and stack traces.

    Args:
        log: Everything it printed.
        complaints_only: Leave out a last line that does not sound like trouble.

    Returns:
        At most three sentences in the order they were printed, at most 400 characters; None when it
        printed nothing that says anything.
    """
    loud: list[str] = []
    other: list[str] = []
    for raw in log.splitlines():
        line, level = _strip(raw)
        if not line or _NOISE.match(line) or level in _QUIET_LEVELS:
            continue
        (loud if level in _LOUD_LEVELS or _COMPLAINT.search(line) else other).append(line)
    chat = [] if complaints_only else other[-1:]
    spoken = list(dict.fromkeys(loud[-_MAX_LINES:] or chat))
    text = "; ".join(spoken)
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
