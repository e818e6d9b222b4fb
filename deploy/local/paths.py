"""Where local state lives, who may use it, and the small files in it. Used by every module of this
package.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import tempfile
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[2]

# sun_path holds 108 bytes on Linux and 104 on macOS. PostgreSQL appends "/.s.PGSQL.5432.lock".
LONGEST_SOCKET_PATH = 100


class CannotStart(Exception):
    """A reason not to go on, told to the person as one sentence and never as a traceback."""


def state_dir() -> Path:
    """`.local` in the project, or STATE_DIR. The settings read the same variable."""
    return Path(os.environ.get("STATE_DIR") or ROOT / ".local").absolute()


def private_dir(path: Path) -> Path:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def socket_dir(state: Path) -> Path:
    """A 0700 folder for unix sockets: inside the state folder when its path is short and plain
    enough.

    The fallback is a predictable name in the shared temporary folder, so an owner or a link that is
    not ours is refused.
    """
    inside = state / "run"
    plain = str(inside).isascii() and not any(c in " ,'%?&#" for c in str(inside))
    if plain and len(str(inside / ".s.PGSQL.5432.lock")) <= LONGEST_SOCKET_PATH:
        return private_dir(inside)
    digest = hashlib.sha256(os.fsencode(state)).hexdigest()[:12]
    outside = private_dir(Path(tempfile.gettempdir()) / f"secondop-{os.getuid()}-{digest}")
    found = outside.lstat()
    if outside.is_symlink() or found.st_uid != os.getuid():
        raise CannotStart(f"{outside} belongs to somebody else. Remove it or set TMPDIR.")
    outside.chmod(0o700)
    return outside


def take_lock(path: Path, *, wait: bool = False) -> IO[str] | None:
    """Hold an exclusive lock until the returned file is closed or this process dies; None when it
    is taken.

    The kernel drops a flock with its holder, so a killed runner never leaves a stale lock.
    """
    private_dir(path.parent)
    handle = path.open("a+")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        handle.close()
        return None
    return handle


def secret_key(state: Path) -> str:
    """The signing key of this installation: made once, readable by its owner only."""
    path = private_dir(state) / "secret_key"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as handle:
        handle.write(secrets.token_urlsafe(64))
    return path.read_text().strip()
