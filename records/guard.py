"""Run code that reads foreign bytes in a child process that can do no harm, and come back alive.

The child is a fresh interpreter, not a fork: it has no database connection, no keys and none of our
environment. It gets limits on memory, processor time, written bytes and open files, and no network
where the kernel allows that. Functions that may run there live in `records.foreign`; they take and
return JSON, and read and write files by path.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, cast

ROOT = Path(__file__).resolve().parent.parent
CHILD = Path(__file__).with_name("guard_child.py")
ANSWER_BYTES = 8 * 1024**2


@dataclass(frozen=True)
class Limits:
    memory_bytes: int = 700 * 1024**2
    cpu_seconds: int = 10
    wall_seconds: int = 60
    written_bytes: int = 600 * 1024**2
    open_files: int = 64
    nice: int = 5  # how far it stands back behind people who wait for a page


@dataclass(frozen=True)
class Refusal:
    """The child gave no result. `code` is one of crashed, too_big, too_slow."""

    code: str


def run_guarded(function: str, *args: Any, limits: Limits | None = None) -> Any | Refusal:
    """Call `records.foreign:function` (or `module:function`) with JSON arguments in the child.

    Returns its JSON result, or a Refusal. Never raises for anything the bytes may do.
    """
    limits = limits or Limits()
    if ":" not in function:
        function = f"records.foreign:{function}"
    with TemporaryDirectory(prefix="guard-") as folder:
        answer = Path(folder) / "answer.json"
        order = {
            "function": function,
            "args": args,
            "answer": str(answer),
            "root": str(ROOT),
            "limits": asdict(limits),
        }
        returned = _run(json.dumps(order).encode(), folder, limits)
        if returned is None:
            return Refusal("too_slow")
        if returned in (-signal.SIGXCPU, 152):
            return Refusal("too_slow")
        if not answer.exists():
            return Refusal("crashed")
        if answer.stat().st_size > ANSWER_BYTES:
            return Refusal("too_big")
        try:
            told = json.loads(answer.read_bytes())
        except ValueError:
            return Refusal("crashed")
    return Refusal(told["refused"]) if "refused" in told else told["result"]


def _run(order: bytes, folder: str, limits: Limits) -> int | None:
    """Return the child's exit code; None when it had to be killed for taking too long."""
    process = subprocess.Popen(  # noqa: S603  (our own program; foreign is only what it reads)
        [sys.executable, "-I", "-B", str(CHILD)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.defpath, "LANG": "C.UTF-8", "TMPDIR": folder},
        cwd=folder,
        start_new_session=True,
    )
    try:
        with suppress(BrokenPipeError):  # it died at once
            stdin = cast(IO[bytes], process.stdin)
            stdin.write(order)
            stdin.close()
        _wait(process, limits.wall_seconds)
    except subprocess.TimeoutExpired:
        return None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return process.returncode


def _wait(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Until it ends. Raises TimeoutExpired. `wait` looks again and again, up to 50 ms too late."""
    try:
        ended = os.pidfd_open(process.pid)
    except (AttributeError, OSError):  # not Linux, or an old one
        process.wait(seconds)
        return
    try:
        poll = select.poll()
        poll.register(ended, select.POLLIN)
        poll.poll(seconds * 1000)
    finally:
        os.close(ended)
    process.wait(0)
