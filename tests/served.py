"""Our application behind its real web server, on the database of the test."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


def a_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def workers_of(process: Any) -> list[int]:
    path = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(pid) for pid in path.read_text().split()] if path.exists() else []


@contextmanager
def a_server(*options: str, **environment: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    port = a_free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "secondop.serve", "--port", str(port), *options],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"} | environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(300):
            if is_open(port):
                break
            time.sleep(0.1)
        yield process, port
    finally:
        process.terminate()
        process.wait(timeout=20)


@contextmanager
def through_our_server() -> Iterator[str]:
    """Its address. The test must not run within a transaction."""
    from django.conf import settings
    from django.db import connection

    base = urlsplit(os.environ["DATABASE_URL"])
    address = base._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    with a_server(
        "--workers", "1", "--threads", "2", DATABASE_URL=address, SECRET_KEY=settings.SECRET_KEY,
        STATE_DIR=str(settings.STATE_DIR), REDIS_URL=settings.REDIS_URL,
    ) as (_process, port):  # fmt: skip
        yield f"http://127.0.0.1:{port}"
