"""A real Celery worker on the test database, so that a browser journey waits for real work."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

from django.conf import settings
from django.db import connection

ROOT = Path(__file__).parents[2]


def start_worker() -> subprocess.Popen[bytes]:
    """Start a worker with the test database's address; end it with `stop_worker`."""
    database = connection.settings_dict
    host = database["OPTIONS"].get("host") or database["HOST"]
    address = f"postgresql://{database['USER']}@/{database['NAME']}?host={host}"
    env = os.environ | {
        "DATABASE_URL": address,
        "STATE_DIR": str(settings.STATE_DIR),
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "SWEEP_EVERY_SECONDS": "1",
    }
    command = [sys.executable, "-m", "celery", "-A", "secondop", "worker", "-c", "1", "-l", "error",
               "-Q", "default,records,transfers,notifications"]  # fmt: skip
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, cwd=ROOT, env=env, start_new_session=True, **quiet)


def stop_worker(worker: subprocess.Popen[bytes]) -> None:
    worker.terminate()
    try:
        worker.wait(20)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()
    with contextlib.suppress(ProcessLookupError):  # children that outlived it keep a connection
        os.killpg(worker.pid, signal.SIGKILL)
