"""Starting and stopping child processes so that none outlives its runner. Used by the servers, `up`
and `test`.

Three nets, because each has a hole: the runner stops its children in order; a guard process
(guard.py) does so when the runner was killed; on Linux the kernel also signals each child when the
runner dies, should the guard be gone.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from deploy.local.paths import ROOT

PR_SET_PDEATHSIG = 1  # from <linux/prctl.h>


class Guard:
    """Tells the guard process what is alive, and hands it a lock: it is free only when all of it
    is gone.
    """

    def __init__(self, lock: IO[str] | None = None) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "deploy.local.guard"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            start_new_session=True,
            pass_fds=[lock.fileno()] if lock else [],
            text=True,
        )

    def _tell(self, line: str) -> None:
        with contextlib.suppress(OSError, ValueError):  # a dead guard must not stop the work
            assert self._process.stdin
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()

    def watch(self, target: int, stop_signal: int) -> None:
        """`target` as for kill(2): a process, or minus its group."""
        self._tell(f"watch {target} {int(stop_signal)}")

    def forget(self, target: int) -> None:
        self._tell(f"forget {target}")

    def remove_at_end(self, folder: Path) -> None:
        self._tell(f"remove {folder}")

    def dismiss(self) -> None:
        """End the guard; it first removes the folders it was told about."""
        with contextlib.suppress(OSError, ValueError):
            assert self._process.stdin
            self._process.stdin.close()
        self._process.wait(timeout=30)


def dying_with_parent(stop_signal: int = signal.SIGTERM) -> Callable[[], None] | None:
    """A preexec function that asks the Linux kernel for a signal when the runner dies."""
    if sys.platform != "linux":
        return None
    libc, parent = ctypes.CDLL(None), os.getpid()

    def ask_kernel() -> None:
        libc.prctl(PR_SET_PDEATHSIG, int(stop_signal))
        if os.getppid() != parent:  # it died before we could ask
            os._exit(1)

    return ask_kernel


def setpriv(stop_signal_name: str) -> list[str]:
    """The same request for a command behind `unshare`: a change of credentials clears an earlier
    one.
    """
    return ["setpriv", "--pdeathsig", stop_signal_name] if shutil.which("setpriv") else []


class Child:
    """One process in a session of its own (so that Ctrl-C reaches only the runner), writing to one
    log file.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        guard: Guard,
        env: Mapping[str, str] | None = None,
        stop_signal: int = signal.SIGTERM,
        last_signal: int = signal.SIGKILL,
        patience: float = 8,
        credentials: Mapping[str, object] | None = None,
    ) -> None:
        self.name, self.command, self.log, self.guard = name, list(command), log, guard
        self.env, self.stop_signal, self.last_signal = env, stop_signal, last_signal
        self.patience, self.credentials = patience, credentials or {}
        self.process: subprocess.Popen[bytes] | None = None
        self.starts: list[float] = []

    def start(self) -> None:
        self.starts.append(time.monotonic())
        self.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=dying_with_parent(self.stop_signal),
                **self.credentials,  # type: ignore[call-overload]
            )
        self.guard.watch(-self.process.pid, self.stop_signal)

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def ask_to_stop(self) -> None:
        if self.process and self.is_running():
            self.process.send_signal(self.stop_signal)

    def stop(self) -> None:
        """Ask, wait, then insist; what the process left behind in its group goes as well."""
        if not self.process:
            return
        self.ask_to_stop()
        try:
            self.process.wait(self.patience)
        except subprocess.TimeoutExpired:
            self.process.send_signal(self.last_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
        self.sweep()

    def sweep(self) -> None:
        """End strays of the group (a crashed worker's children) before anything new starts."""
        if self.process:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.guard.forget(-self.process.pid)

    def last_words(self, lines: int = 12) -> str:
        if not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - 8192))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
