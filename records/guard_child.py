"""The child of `records.guard`: takes its limits, runs one function, writes one answer.

Run as a script by a fresh interpreter; imports nothing of ours before the limits stand.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import resource
import signal
import sys
from typing import Any

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38  # from <linux/prctl.h>
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000  # from <linux/sched.h>


def shut_in(limits: dict[str, int]) -> None:
    """Take away what reading a file does not need. A kernel that refuses a step leaves the rest."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if libc.unshare(CLONE_NEWNET):  # as root; else by way of a user namespace of our own
            libc.unshare(CLONE_NEWUSER | CLONE_NEWNET)
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _limit(resource.RLIMIT_AS, limits["memory_bytes"])
    _limit(resource.RLIMIT_CPU, limits["cpu_seconds"], grace=1)  # SIGXCPU says why, SIGKILL not
    _limit(resource.RLIMIT_FSIZE, limits["written_bytes"])
    _limit(resource.RLIMIT_NOFILE, limits["open_files"])
    _limit(resource.RLIMIT_CORE, 0)
    os.nice(limits["nice"])


def _limit(what: int, value: int, grace: int = 0) -> None:
    _soft, hard = resource.getrlimit(what)
    most = value + grace if hard == resource.RLIM_INFINITY else min(value + grace, hard)
    try:
        resource.setrlimit(what, (min(value, most), most))
    except (ValueError, OSError):  # macOS has no limit on memory
        return


def run(order: dict[str, Any]) -> dict[str, Any]:
    sys.path.insert(0, order["root"])
    module, _colon, name = order["function"].partition(":")
    try:
        function = getattr(importlib.import_module(module), name)
        return {"result": function(*order["args"])}
    except (MemoryError, OverflowError):
        return {"refused": "too_big"}
    except OSError as exc:
        return {"refused": "too_big" if exc.errno == 27 else "crashed"}  # EFBIG
    except RecursionError:
        return {"refused": "too_big"}
    except Exception:
        return {"refused": "crashed"}


def main() -> None:
    order = json.loads(sys.stdin.buffer.read())
    shut_in(order["limits"])
    answer = json.dumps(run(order)).encode()
    with open(order["answer"], "wb") as file:  # noqa: PTH123
        file.write(answer)
    os._exit(0)  # no clean-up code of a library that foreign bytes may have upset


if __name__ == "__main__":
    main()
