"""Finding processes by the folder they belong to, and waiting. For the drills of this folder."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def processes_of(folder: Path) -> dict[int, str]:
    """Living processes that name the folder in arguments, environment or working directory."""
    needle, found = os.fsencode(folder), {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):  # it ended while we looked
            words = (entry / "cmdline").read_bytes()
            if not words:  # a zombie has none
                continue
            where = os.fsencode((entry / "cwd").readlink())
            if needle in words or needle in where or needle in (entry / "environ").read_bytes():
                found[int(entry.name)] = words.replace(b"\0", b" ").decode(errors="replace")
    return found


def wait_for(question: Callable[[], T], *, seconds: float, what: str) -> T:
    """Ask until the answer is true. Raises: AssertionError that says what did not happen."""
    deadline = time.monotonic() + seconds
    while True:
        if answer := question():
            return answer
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)
