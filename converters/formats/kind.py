"""Detection of a file's format from its first bytes; the only place with magic numbers.

It also detects what servers send in place of an artifact (an error page, a Git-LFS pointer, a body that is
still compressed) before the download is stored or parsed.
"""

from __future__ import annotations

import re
import zlib
from enum import Enum

from registry.errors import IntegrityError

HEAD_BYTES = 4096
"""Number of bytes that ``sniff`` needs: enough to decompress one header block of a tar.gz."""

_TAR_BLOCK = 512
_NB_VERSION = re.compile(rb"[0-9A-Za-z][0-9A-Za-z._+-]*\0?")
_MARKUP = re.compile(rb"<(!doctype\s+html|html|head|body|title|script|meta)\b", re.IGNORECASE)
_OPENVINO = re.compile(rb"<\?xml[^>]*\?>\s*<net\s[^>]*>\s*<layers>")
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0e-\x1f\x7f]")


class Kind(str, Enum):
    """Format of a file by its first bytes."""

    NB = "nb"
    PROGRAM = "program"
    PARAMS = "params"
    PIR = "pir"
    ONNX = "onnx"
    PICKLE = "pickle"
    SAFETENSORS = "safetensors"
    TAR = "tar"
    TAR_GZ = "tar-gz"
    ZIP = "zip"
    JSON = "json"
    TEXT = "text"
    GZIP = "gzip"
    HTML = "html"
    XML = "xml"
    OPENVINO = "openvino"
    NCNN = "ncnn"
    TFLITE = "tflite"
    LFS_POINTER = "lfs-pointer"
    EMPTY = "empty"
    UNKNOWN = "unknown"


_DESCRIPTIONS = {
    Kind.NB: "a Paddle-Lite model",
    Kind.PROGRAM: "a legacy Paddle program",
    Kind.PARAMS: "combined Paddle parameters",
    Kind.PIR: "a PIR program",
    Kind.ONNX: "an ONNX model",
    Kind.PICKLE: "a Python pickle",
    Kind.SAFETENSORS: "a safetensors file",
    Kind.TAR: "a tar archive",
    Kind.TAR_GZ: "a gzip-compressed tar archive",
    Kind.ZIP: "a zip archive",
    Kind.JSON: "a JSON document",
    Kind.TEXT: "plain text",
    Kind.GZIP: "gzip data that is not an archive",
    Kind.HTML: "an HTML page",
    Kind.XML: "an XML document",
    Kind.OPENVINO: "an OpenVINO model",
    Kind.NCNN: "an ncnn model",
    Kind.TFLITE: "a TensorFlow Lite model",
    Kind.LFS_POINTER: "a Git-LFS pointer",
    Kind.EMPTY: "an empty file",
    Kind.UNKNOWN: "data of an unknown format",
}


def describe(kind: Kind) -> str:
    """Return the name of the kind for messages, with its article."""
    return _DESCRIPTIONS[kind]


def sniff(head: bytes) -> Kind:
    """Detect the format of a file from its first bytes, never from its name.

    The result is a strong hint only: a reader has to decode the whole file to confirm it.

    Args:
        head: The first ``HEAD_BYTES`` bytes, or all bytes of a shorter file.

    Returns:
        The kind; ``UNKNOWN`` when no rule matches.
    """
    if not head:
        return Kind.EMPTY
    for kind, matches in _BINARY_RULES:
        if matches(head):
            return kind
    return _sniff_text(head)


def reject_placeholder(head: bytes, name: str) -> None:
    """Reject what servers and tools leave in place of an artifact.

    Args:
        head: The first ``HEAD_BYTES`` bytes of the file or of the response body.
        name: Name of the file for the message.

    Raises:
        IntegrityError: ``empty-file``, ``html-instead-of-artifact``, ``xml-instead-of-artifact``,
            ``lfs-pointer`` or ``gzip-body``.
    """
    placeholder = _PLACEHOLDERS.get(sniff(head))
    if placeholder is None:
        return
    code, message, hint = placeholder
    raise IntegrityError(
        code,
        f"{name} {message}",
        expected="a model, parameters, an archive or a configuration",
        found=_first_line(head),
        hint=hint,
    )


def require_kind(head: bytes, kind: Kind, code: str, name: str) -> None:
    """Reject a file whose first bytes belong to another format.

    Args:
        head: The first ``HEAD_BYTES`` bytes.
        kind: Required kind.
        code: Error code for another kind, for example ``not-a-nb``.
        name: Name of the file for the message.

    Raises:
        IntegrityError: ``code``, or one of the codes of ``reject_placeholder``.
    """
    reject_placeholder(head, name)
    found = sniff(head)
    if found is not kind:
        raise IntegrityError(
            code,
            f"{name} is not {describe(kind)}",
            expected=describe(kind),
            found=describe(found),
            hint=f"zoo inspect {name}",
        )


_PLACEHOLDERS = {
    Kind.EMPTY: ("empty-file", "is empty", "the download was interrupted: fetch it again"),
    Kind.HTML: (
        "html-instead-of-artifact",
        "is a web page, not an artifact",
        "the server sent a page (error, login, notice): open the URL in a browser to read it",
    ),
    Kind.XML: (
        "xml-instead-of-artifact",
        "is an XML document, not an artifact",
        "object stores send XML when a file is missing or access is denied: check the URL",
    ),
    Kind.LFS_POINTER: (
        "lfs-pointer",
        "is a Git-LFS pointer, not the file it refers to",
        "run git lfs pull in the repository, or fetch from another source",
    ),
    Kind.GZIP: (
        "gzip-body",
        "is gzip data without an archive: the transport compression was not removed",
        "decompress it with gzip -d, or fetch it again without content encoding",
    ),
}


def _first_line(head: bytes) -> str:
    line = head.strip().split(b"\n", 1)[0][:80]
    return ascii(line.decode("latin-1")) if line else "nothing"


def _is_tar(head: bytes) -> bool:
    """Verify the checksum of a tar header: the sum of its bytes, with the checksum field as blanks."""
    block = head[:_TAR_BLOCK]
    if len(block) < _TAR_BLOCK or not block[0]:
        return False
    checksum = re.fullmatch(rb" *([0-7]{1,7})[ \0]*", block[148:156])
    return checksum is not None and int(checksum[1], 8) == sum(block[:148]) + sum(block[156:]) + 8 * ord(" ")


def _is_tar_gz(head: bytes) -> bool:
    if not _is_gzip(head):
        return False
    try:
        return _is_tar(zlib.decompressobj(wbits=31).decompress(head, _TAR_BLOCK))
    except zlib.error:
        return False


def _is_gzip(head: bytes) -> bool:
    return head.startswith(b"\x1f\x8b")


def _is_zip(head: bytes) -> bool:
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def _is_pickle(head: bytes) -> bool:
    """Match protocols 2 to 5, which have a prefix; paddle.save has never written an older one."""
    return len(head) > 1 and head[0] == 0x80 and 2 <= head[1] <= 5


def _is_safetensors(head: bytes) -> bool:
    """Match a u64 with the length of a JSON object, then the object; real headers stay far below 2**32."""
    return len(head) > 8 and head[8] == ord("{") and 2 <= int.from_bytes(head[:8], "little") < 1 << 32


def _is_params(head: bytes) -> bool:
    """Match version 0, LoD levels (none in weights), version 0 and a short TensorDesc with its type first."""
    levels = int.from_bytes(head[4:12], "little")
    if len(head) < 21 or any(head[:4]) or levels > 4:
        return False
    at = 12
    for _ in range(levels):
        at += 8 + int.from_bytes(head[at : at + 8], "little")
    if len(head) < at + 9 or any(head[at : at + 4]):
        return False
    return 2 <= int.from_bytes(head[at + 4 : at + 8], "little") <= 1024 and head[at + 8] == 0x08


def _is_nb(head: bytes) -> bool:
    """Match a small u16 and a version string, so that the reader gets truncated files too."""
    if len(head) < 3 or head[1] or head[0] > 15:
        return False
    version = _NB_VERSION.match(head, 2, 18)
    return version is not None and (version.end() in (18, len(head)) or head[version.end() - 1] == 0)


def _is_program(head: bytes) -> bool:
    """Match field 1 (blocks), its length, and in it the first required field: idx 0."""
    if head[0] != 0x0A:
        return False
    start = next((at + 1 for at in range(1, min(len(head), 11)) if head[at] < 0x80), None)
    return start is not None and head[start : start + 2] in (b"\x08\x00", b"\x08", b"")


def _is_tflite(head: bytes) -> bool:
    """Match a FlatBuffers buffer: the offset of its root, then the identifier."""
    return head[4:8] == b"TFL3"


def _is_onnx(head: bytes) -> bool:
    """Match field 1 (ir_version, a small number), then one of the fields 2 to 8."""
    if len(head) < 3 or head[0] != 0x08 or not 1 <= head[1] < 0x80:
        return False
    return head[2] in (0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42)


_BINARY_RULES = (
    (Kind.TFLITE, _is_tflite),
    (Kind.ZIP, _is_zip),
    (Kind.TAR_GZ, _is_tar_gz),
    (Kind.GZIP, _is_gzip),
    (Kind.TAR, _is_tar),
    (Kind.PICKLE, _is_pickle),
    (Kind.SAFETENSORS, _is_safetensors),
    (Kind.PARAMS, _is_params),
    (Kind.NB, _is_nb),
    (Kind.PROGRAM, _is_program),
    (Kind.ONNX, _is_onnx),
)


_TEXT_PREFIXES = (
    (Kind.LFS_POINTER, re.compile(rb"version https://git-lfs\.github\.com/spec/")),
    (Kind.NCNN, re.compile(rb"7767517\s")),
)


def _sniff_text(head: bytes) -> Kind:
    if not _is_text(head):
        return Kind.UNKNOWN
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if kind := next((kind for kind, prefix in _TEXT_PREFIXES if prefix.match(text)), None):
        return kind
    if _MARKUP.match(re.sub(rb"\A(<!--.*?-->\s*)+", b"", text, flags=re.DOTALL)):
        return Kind.HTML
    if text.startswith(b"<?xml"):
        return _sniff_xml(text)
    if not text.startswith((b"{", b"[")):
        return Kind.TEXT
    # Paddle sorts the keys of the document, so base_code with its magic comes first.
    return Kind.PIR if b'"magic":"pir"' in text[:256].replace(b" ", b"") else Kind.JSON


def _sniff_xml(text: bytes) -> Kind:
    if _OPENVINO.match(text):
        return Kind.OPENVINO
    # XHTML starts with an XML declaration.
    return Kind.HTML if re.search(rb"<html\b", text, re.IGNORECASE) else Kind.XML


def _is_text(head: bytes) -> bool:
    if _CONTROL.search(head):
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        # The head may end inside a character; an earlier error means that the text is not UTF-8.
        return error.end == len(head) and error.start > len(head) - 4
    return True
