"""A guarded child that works for long and tells as it goes, beside `records.guard.run_guarded`.

The same walls: a fresh interpreter without our environment, keys and network. The function gets a
descriptor to which it writes one line for each thing it has to tell.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, cast

from records.guard import CHILD, ROOT, Limits


class Told:
    """A child at work. Use as a context; iterate over the lines it tells."""

    def __init__(
        self, function: str, folder: Path, *args: Any, limits: Limits, descriptors: list[int]
    ) -> None:
        self._answer = folder / "answer.json"
        self._function, self._args, self._limits = function, args, limits
        self._read_end, self._write_end = os.pipe()
        self._process = subprocess.Popen(  # noqa: S603  (our own program; foreign is what it reads)
            [sys.executable, "-I", "-B", str(CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"PATH": os.defpath, "LANG": "C.UTF-8", "TMPDIR": str(folder)},
            cwd=folder,
            start_new_session=True,
            pass_fds=[self._write_end, *descriptors],
        )

    def start(self) -> None:
        """Hand over the order. The interpreter has started meanwhile."""
        order = {
            "function": self._function,
            "args": [self._write_end, *self._args],
            "answer": str(self._answer),
            "root": str(ROOT),
            "limits": asdict(self._limits),
        }
        os.close(self._write_end)
        stdin = cast(IO[bytes], self._process.stdin)
        with suppress(BrokenPipeError):  # it died at once: it tells nothing
            stdin.write(json.dumps(order).encode())
            stdin.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        os.close(self._read_end)
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def lines(self) -> Iterator[str]:
        """What it tells, until it ends or is ended. Raises nothing for a child that died."""
        with os.fdopen(os.dup(self._read_end), encoding="utf-8") as told:
            for line in told:
                yield line.rstrip("\n")
