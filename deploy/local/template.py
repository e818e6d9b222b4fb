"""A cluster with every migration applied, kept in the state folder for the tests to copy.

Migrating takes longer than most test files, and each test server would do it anew. A folder is made
once for each state of the migrations and never changed; what nobody used for a day is removed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from deploy.local import environment
from deploy.local.children import Guard, dying_with_parent
from deploy.local.paths import ROOT, CannotStart, private_dir, state_dir, take_lock
from deploy.local.postgres import Postgres

# Where a test process finds the folder: its STATE_DIR is another one.
VARIABLE = "TEMPLATE_CLUSTER"
KEPT_SECONDS = 24 * 3600
MADE_BY = [
    "requirements.lock",
    "deploy/local/postgres.py",
    "secondop/settings.py",
    "secondop/lib/append_only.py",  # the triggers that migrations make
    "secondop/lib/second_wall.py",  # and the policies
]


def prepare() -> Path:
    """The data folder to copy. Made first when the migrations are new."""
    state = private_dir(state_dir() / f"template-{fingerprint()}")
    lock = take_lock(state / "lock", wait=True)
    try:
        guard = Guard()
        try:
            server = Postgres(state, guard)
            complete = state / "complete"
            if not complete.exists():
                shutil.rmtree(server.place.data, ignore_errors=True)
                make(server, state, guard)
            complete.touch()
        finally:
            guard.dismiss()
    finally:
        if lock:
            lock.close()
    forget_old(keep=state)
    return server.place.data


def make(server: Postgres, state: Path, guard: Guard) -> None:
    print("Preparing the database that test databases are copied from (once) ...", flush=True)
    server.start()
    try:
        env = environment.application(
            state, database_url=server.url, redis_url="redis://127.0.0.1:1/0"
        )
        command = [sys.executable, "-m", "django", "migrate", "--verbosity", "0"]
        migrating = subprocess.Popen(command, cwd=ROOT, env=env, preexec_fn=dying_with_parent())
        guard.watch(migrating.pid, 15)
        if migrating.wait():
            raise CannotStart("The migrations could not be applied. Their own words are above.")
    finally:
        server.stop()


def fingerprint() -> str:
    digest = hashlib.sha256()
    for path in sorted([*ROOT.glob("*/migrations/*.py"), *ROOT.glob("*/*/migrations/*.py")]):
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    for name in MADE_BY:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()[:12]


def forget_old(*, keep: Path) -> None:
    for folder in keep.parent.glob("template-*"):
        complete = folder / "complete"
        used_at = (complete if complete.exists() else folder).stat().st_mtime
        if folder != keep and used_at < time.time() - KEPT_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


def named() -> Path | None:
    """The folder that the surrounding test run prepared."""
    return Path(found) if (found := os.environ.get(VARIABLE)) else None
