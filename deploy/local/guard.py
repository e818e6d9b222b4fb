"""The process that cleans up after a killed runner: `python -m deploy.local.guard`, started by
children.Guard.

It reads what is alive from its standard input. When the runner ends, in whatever way, that input
ends, and whatever is still alive is stopped in reverse order, then killed. It holds the runner's
lock while it does so.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time

PATIENCE_SECONDS = 8


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    alive: dict[int, int] = {}
    folders: list[str] = []
    for line in sys.stdin:
        verb, _, rest = line.rstrip("\n").partition(" ")
        if verb == "watch":
            target, stop_signal = rest.split()
            alive[int(target)] = int(stop_signal)
        elif verb == "forget":
            alive.pop(int(rest), None)
        elif verb == "remove":
            folders.append(rest)
    stop_all(alive)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def stop_all(alive: dict[int, int]) -> None:
    """Servers were started first, so they are asked last; they would otherwise vanish under working
    processes.
    """
    for target, stop_signal in reversed(alive.items()):
        send(target, stop_signal)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and any(send(target, 0) for target in alive):
        time.sleep(0.05)
    for target in reversed(alive):
        send(target, signal.SIGKILL)


def send(target: int, number: int) -> bool:
    """True while the process or group exists. A group of which only zombies are left counts until
    they are reaped.
    """
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(target, number)
        return True
    return False


if __name__ == "__main__":
    main()
