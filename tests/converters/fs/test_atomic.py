"""Files appear whole or not at all, and errors name the obstacle."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.fs.atomic import (
    canonical_json,
    check_writable,
    open_no_follow,
    publish,
    publish_bytes,
    refuse_links,
    sha256_of,
    writing_to,
)
from converters.fs.tempfile_beside import temp_beside
from registry.errors import MissingToolError, UsageError


def test_publish_moves_the_file(tmp_path: Path) -> None:
    source, target = tmp_path / "made", tmp_path / "new" / "folder" / "model.nb"
    source.write_bytes(b"content")
    assert publish(source, target) == target
    assert target.read_bytes() == b"content"
    assert not source.exists()
    assert [path.name for path in target.parent.iterdir()] == ["model.nb"]


def test_publish_works_across_file_systems(tmp_path: Path) -> None:
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system at /dev/shm")
    source, target = other / f"zoo-test-{os.getpid()}", tmp_path / "model.nb"
    source.write_bytes(b"content")
    publish(source, target)
    assert target.read_bytes() == b"content"
    assert not source.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["model.nb"]


def test_readers_see_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    target, seen, stop = tmp_path / "file", set(), threading.Event()
    contents = {letter * 1_000_000 for letter in (b"a", b"b")}
    publish_bytes(b"a" * 1_000_000, target)

    def read() -> None:
        while not stop.is_set():
            seen.add(target.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for content in sorted(contents) * 10:
        publish_bytes(content, target)
    stop.set()
    reader.join()
    assert seen <= contents


def test_a_published_file_has_default_permissions(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_bytes(b"")
    published = publish_bytes(b"", tmp_path / "published")
    assert stat.S_IMODE(published.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


@pytest.mark.parametrize("place", ["a folder", "a file/below"])
def test_an_unwritable_target_is_refused_before_the_work(tmp_path: Path, place: str) -> None:
    (tmp_path / "a folder").mkdir()
    (tmp_path / "a file").write_text("")
    for write in (check_writable, lambda target: publish_bytes(b"", target)):
        with pytest.raises(UsageError) as caught:
            write(tmp_path / place)
        assert caught.value.code == "output-not-writable"
        assert "--out" in str(caught.value.hint)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a file", "a folder"]


def test_checking_leaves_nothing_behind(tmp_path: Path) -> None:
    check_writable(tmp_path / "model.nb")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_a_missing_tool_error(tmp_path: Path, number: int) -> None:
    with pytest.raises(MissingToolError) as caught, writing_to(tmp_path / "model.nb"):
        raise OSError(number, os.strerror(number))
    assert (caught.value.code, caught.value.exit_code) == ("disk-full", 7)


@given(st.binary(max_size=3000))
def test_the_digest_is_that_of_the_content(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "content"
    path.write_bytes(content)
    assert sha256_of(path) == hashlib.sha256(content).hexdigest()


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.none()))
def test_canonical_json_does_not_depend_on_order(value: dict[str, int | str | None]) -> None:
    assert canonical_json({**value}) == canonical_json(dict(reversed(value.items())))


def test_canonical_json_has_no_nan() -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical_json(float("nan"))


LINKS = ["model.nb", ".model.nb.tmp", ".model.nb.part", ".model.nb.zoo-00000000.part"]


@pytest.mark.table("attacks")
@pytest.mark.parametrize("name", LINKS)
@pytest.mark.parametrize("write", ["bytes", "file"])
def test_no_planted_link_is_written_through(tmp_path: Path, name: str, write: str) -> None:
    victim, folder = tmp_path / "victim", tmp_path / "out"
    victim.write_text("precious")
    folder.mkdir()
    (folder / name).symlink_to(victim)
    source = tmp_path / "source"
    source.write_bytes(b"content")

    if write == "bytes":
        publish_bytes(b"content", folder / "model.nb")
    else:
        publish(source, folder / "model.nb")

    assert victim.read_text() == "precious"
    assert not (folder / "model.nb").is_symlink()
    assert (folder / "model.nb").read_bytes() == b"content"


def test_temporary_names_cannot_be_guessed(tmp_path: Path) -> None:
    names = set()
    for _ in range(20):
        with temp_beside(tmp_path / "model.nb") as temp:
            names.add(temp.name)
    assert len(names) == 20


def test_a_file_is_opened_for_writing_only_if_it_is_not_a_link(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("precious")
    (tmp_path / "link").symlink_to(tmp_path / "victim")
    for flags in (os.O_WRONLY, os.O_WRONLY | os.O_CREAT | os.O_APPEND, os.O_WRONLY | os.O_TRUNC):
        with pytest.raises(OSError, match="link"):
            open_no_follow(tmp_path / "link", flags)
    assert (tmp_path / "victim").read_text() == "precious"


@pytest.mark.table("attacks")
@pytest.mark.parametrize("place", ["a", "a/b"])
def test_a_folder_that_is_a_link_is_refused_below_the_named_one(tmp_path: Path, place: str) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "out" / place).parent.mkdir(parents=True)
    (tmp_path / "out" / place).symlink_to(tmp_path / "outside")
    (tmp_path / "named").symlink_to(tmp_path / "out")

    with pytest.raises(UsageError) as caught:
        refuse_links(tmp_path / "named", tmp_path / "named/a/b/model.nb")

    assert caught.value.code == "output-through-link"
    refuse_links(tmp_path / "named", tmp_path / "named/model.nb")
