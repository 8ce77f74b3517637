"""Files of other users are not trusted, unless the user lists their folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from converters.fs.ownership import VARIABLE, require_trusted_owner, trusted_owner
from registry.errors import IntegrityError

OTHER = 65534


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.delenv("SUDO_UID", raising=False)


def test_own_files_and_missing_files_pass(tmp_path: Path) -> None:
    require_trusted_owner(tmp_path, "the cache")
    require_trusted_owner(tmp_path / "missing", "the cache")
    (tmp_path / "file").touch()
    require_trusted_owner(tmp_path / "file/below", "the cache")


def test_files_of_root_pass_for_every_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert trusted_owner(Path("/"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
@pytest.mark.parametrize("what", ["folder", "file", "link"])
def test_files_of_another_user_are_refused(
    tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "theirs"
    if what == "folder":
        path.mkdir()
    elif what == "file":
        path.touch()
    else:
        path.symlink_to(tmp_path)
    os.chown(path, OTHER, OTHER, follow_symlinks=False)

    with pytest.raises(IntegrityError) as caught:
        require_trusted_owner(path, "the cache")

    assert (caught.value.code, caught.value.exit_code) == ("owner-untrusted", 5)
    assert VARIABLE in str(caught.value.hint)
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    require_trusted_owner(path, "the cache")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
@pytest.mark.parametrize("value", ["x", "-1", "12 ", "٣"])
def test_an_invalid_sudo_uid_trusts_nobody(
    tmp_path: Path, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.chown(tmp_path, OTHER, OTHER)
    monkeypatch.setenv("SUDO_UID", value)

    assert not trusted_owner(tmp_path)
