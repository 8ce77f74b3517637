"""Whether the files of a folder may be trusted: the rule of git's ``safe.directory``."""

from __future__ import annotations

import os
from pathlib import Path

from registry.errors import IntegrityError

VARIABLE = "ZOO_SAFE_DIRECTORY"
"""Folders of other users that are trusted all the same, separated like ``PATH``; ``*`` trusts all."""


def trusted_owner(path: Path) -> bool:
    """Whether a file or folder belongs to this user or to root, or lies in a folder that the user trusts.

    Args:
        path: File or folder. Of a symbolic link, the link and its target are both checked.

    Raises:
        FileNotFoundError: There is no such file.
    """
    if not hasattr(os, "geteuid"):  # Windows: files have access lists there, not one owner
        return True
    owners = {path.lstat().st_uid, path.stat().st_uid}
    return owners <= _trusted_users() or _listed(path)


def require_trusted_owner(path: Path, what: str) -> None:
    """Refuse a file or folder that another user could have prepared.

    Args:
        path: File or folder; one that does not exist is not refused.
        what: What it is, for the message, for example ``the cache``.

    Raises:
        IntegrityError: ``owner-untrusted``.
    """
    try:
        if trusted_owner(path):
            return
        owner = path.lstat().st_uid
    except (FileNotFoundError, NotADirectoryError):
        return
    raise IntegrityError(
        "owner-untrusted",
        f"{what} {path} belongs to another user",
        expected=f"a file or folder of user {os.geteuid()}",
        found=f"owner {_user_name(owner)}",
        done="nothing was read from it",
        hint=f"if you trust that user: export {VARIABLE}={path if path.is_dir() else path.parent}",
    )


def _trusted_users() -> set[int]:
    users = {0, os.geteuid()}
    # As git does: what a user owns is theirs when they run a command with sudo, too.
    sudo = os.environ.get("SUDO_UID", "")
    if os.geteuid() == 0 and sudo.isascii() and sudo.isdigit():
        users.add(int(sudo))
    return users


def _listed(path: Path) -> bool:
    listed = [part for part in os.environ.get(VARIABLE, "").split(os.pathsep) if part]
    if "*" in listed:
        return True
    if not listed:
        return False
    real = Path(os.path.realpath(path))
    return any(real.is_relative_to(os.path.realpath(part)) for part in listed)


def _user_name(uid: int) -> str:
    try:
        import pwd

        return pwd.getpwuid(uid).pw_name
    except (ImportError, KeyError):
        return str(uid)
