"""Detection of formats by the first bytes."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.formats import HEAD_BYTES, Kind, reject_placeholder, sniff
from registry.errors import IntegrityError
from tests.helpers.nb_writer import nb
from tests.helpers.paddle_writer import PARAMS, program, tensor


def tar(name: str = "model.nb", style: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=style) as archive:
        archive.addfile(tarfile.TarInfo(name))
    return buffer.getvalue()


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("model.nb", b"content")
    return buffer.getvalue()


SAMPLES = {
    "Lite model": (nb(), Kind.NB),
    "Lite model of container 1": (nb(meta=1), Kind.NB),
    "Lite model before 2.7": (nb(meta=0, version=b"2.6.1\0"), Kind.NB),
    "legacy program": (program(), Kind.PROGRAM),
    "parameters": (PARAMS, Kind.PARAMS),
    "parameters with LoD": (tensor((2,), levels=[bytes(16)]), Kind.PARAMS),
    "ONNX": (b"\x08\x09\x12\x0cpaddle2onnx\x3a\x02\x12\x00", Kind.ONNX),
    "PIR": (b'{"base_code":{"magic":"pir","trainable":true,"version":3},"program":{}}', Kind.PIR),
    "PIR, indented": (b'{\n  "base_code": {\n    "magic": "pir"', Kind.PIR),
    "pickle of protocol 2": (b"\x80\x02}q\x00.", Kind.PICKLE),
    "pickle of protocol 4": (b"\x80\x04\x95\x00", Kind.PICKLE),
    "safetensors": (b"\x08\0\0\0\0\0\0\0{}      ", Kind.SAFETENSORS),
    "tar": (tar(), Kind.TAR),
    "tar of the seventies": (tar(style=tarfile.USTAR_FORMAT), Kind.TAR),
    "tar.gz": (gzip.compress(tar()), Kind.TAR_GZ),
    "zip": (zipped(), Kind.ZIP),
    "YAML": (b"mode: paddle\narch: PicoDet\n", Kind.TEXT),
    "UTF-8 with a mark": (b"\xef\xbb\xbfname: \xe5\x9b\xbe\n", Kind.TEXT),
    "other JSON": (b'{"code":"NoSuchKey","message":"The specified key does not exist."}', Kind.JSON),
    "page": (b"<!DOCTYPE html>\n<html><body>404</body></html>", Kind.HTML),
    "page without doctype": (b"\n\n  <html lang=en>", Kind.HTML),
    "page after a comment": (b"<!-- mirror -->\n<HTML>", Kind.HTML),
    "page that is XML too": (b'<?xml version="1.0"?>\n<html xmlns="x">', Kind.HTML),
    "answer of an object store": (b'<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>', Kind.XML),
    "Git-LFS pointer": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n",
        Kind.LFS_POINTER,
    ),
    "compressed body": (gzip.compress(nb()), Kind.GZIP),
    "nothing": (b"", Kind.EMPTY),
    "zeros": (bytes(1024), Kind.UNKNOWN),
    "ELF": (b"\x7fELF\x02\x01\x01" + bytes(57), Kind.UNKNOWN),
    "text in another encoding": ("prénom: é\n".encode("latin-1"), Kind.UNKNOWN),
}


@pytest.mark.parametrize("what", SAMPLES)
def test_files_are_recognized_by_their_first_bytes(what: str) -> None:
    content, kind = SAMPLES[what]

    assert sniff(content[:HEAD_BYTES]) is kind


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ("nothing", "empty-file"),
        ("page", "html-instead-of-artifact"),
        ("answer of an object store", "xml-instead-of-artifact"),
        ("Git-LFS pointer", "lfs-pointer"),
        ("compressed body", "gzip-body"),
    ],
)
def test_placeholders_are_rejected(what: str, code: str) -> None:
    with pytest.raises(IntegrityError, match=r"^model\.nb") as caught:
        reject_placeholder(SAMPLES[what][0][:HEAD_BYTES], "model.nb")

    assert caught.value.code == code
    assert caught.value.hint


@pytest.mark.parametrize(
    "what", ["Lite model", "legacy program", "parameters", "ONNX", "tar.gz", "YAML", "zeros"]
)
def test_possible_artifacts_are_accepted(what: str) -> None:
    reject_placeholder(SAMPLES[what][0][:HEAD_BYTES], "model.nb")


def test_text_cut_inside_a_character_is_still_text() -> None:
    assert sniff(("name: " + "图" * HEAD_BYTES).encode()[:HEAD_BYTES]) is Kind.TEXT


@given(st.binary(max_size=600))
def test_any_bytes_have_a_kind(head: bytes) -> None:
    assert isinstance(sniff(head), Kind)


@given(st.sampled_from(sorted(SAMPLES)), st.integers(0, HEAD_BYTES))
def test_shorter_head_never_gives_another_artifact_kind(what: str, size: int) -> None:
    """A short head can give an unknown kind, but not another one that a reader would accept."""
    content, kind = SAMPLES[what]
    vague = {Kind.EMPTY, Kind.UNKNOWN, Kind.TEXT, Kind.JSON, Kind.GZIP, Kind.XML}

    assert sniff(content[:size][:HEAD_BYTES]) in {kind} | vague
