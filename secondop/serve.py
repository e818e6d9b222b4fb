"""The web server: `python -m secondop.serve --host 127.0.0.1 --port 8000 --workers 2 --threads 16`.

Granian speaks HTTP outside the interpreter, so that a thread holds it for as long as our own code
runs. The application is loaded once, in memory that the workers share. In front of it stands a
proxy that ends TLS and sends away who is silent in the middle of a body (deploy/nginx/nginx.conf):
Granian waits for those as long as they hold the line, and each holds a thread. Who is gone without
a word is noticed here.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from logging import getLogger
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.net import SocketSpec  # type: ignore[attr-defined]
from granian.server.mp import MPServer

IDLE_SECONDS = 600  # a thread keeps its connection to the database; the most Granian lets one wait
READ_BYTES = 512 * 1024  # of a body at once; the head of a request may be as long
GONE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}  # after a minute and a half
PR_SET_PDEATHSIG = 1  # from <linux/prctl.h>
OF_THE_REQUEST = frozenset({
    "CONTENT_LENGTH", "CONTENT_TYPE", "GATEWAY_INTERFACE", "PATH_INFO", "QUERY_STRING",
    "REMOTE_ADDR", "REQUEST_METHOD", "SCRIPT_NAME", "SERVER_NAME", "SERVER_PORT",
    "SERVER_PROTOCOL", "SERVER_SOFTWARE",
})  # fmt: skip

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Any]
logger = getLogger(__name__)


class BrokeOff(Exception):
    """A streamed answer ended early. What it says about why is in our own log."""


class _Server(MPServer):
    """All workers take from one socket: none is idle beside a busy one, and what waits outlives
    a worker. Granian does so on every system but Linux.
    """

    def _init_shared_socket(self) -> None:
        holder = SocketSpec(self.bind_addr, self.bind_port, self.backlog).build()
        self._shd: Any = holder
        self._sfd = holder.get_fd()
        self._sso = socket.socket(fileno=self._sfd)
        self._sso.set_inheritable(True)
        self._sso.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in GONE.items():
            if option := getattr(socket, name, None):
                self._sso.setsockopt(socket.IPPROTO_TCP, option, value)


def main(arguments: list[str]) -> None:
    options = _parser().parse_args(arguments)
    application = served(import_module("secondop.wsgi").application)
    gc.collect()
    gc.freeze()  # what stays for good is not searched again (70 ms each time), nor copied for it

    def loaded() -> Application:
        """Called in each worker."""
        _end_with_the_parent(options.parent)
        return application

    options.parent = os.getpid()
    _Server(
        "secondop.wsgi:application",
        address=options.host,
        port=options.port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(max_buffer_size=READ_BYTES),
        websockets=False,
        workers=options.workers,
        blocking_threads=options.threads,
        blocking_threads_idle_timeout=IDLE_SECONDS,
        workers_kill_timeout=options.patience,
        respawn_failed_workers=True,
        log_level=LogLevels.error,
    ).serve(target_loader=loaded, wrap_loader=False)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m secondop.serve", allow_abbrev=False)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--threads", type=int, default=32, help="of each worker")
    parser.add_argument(
        "--patience", type=int, default=30, help="seconds that running requests get at the end"
    )
    return parser


def _end_with_the_parent(parent: int) -> None:
    """A worker whose parent was killed would go on to serve beside the next one."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it was killed before that
        os.kill(os.getpid(), signal.SIGKILL)


def served(application: Application) -> Application:
    """What Granian is to call.

    SECURITY: it puts the process's own environment, with its secrets, beside each request.
    """
    foreign = [name for name in os.environ if name not in OF_THE_REQUEST]

    def answering(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        for name in foreign:
            environ.pop(name, None)
        answer = application(environ, start_response)
        if getattr(answer, "streaming", True):
            return _Streamed(answer)
        try:
            return [answer.content]  # whole: handed over at once
        finally:
            answer.close()

    return answering


class _Streamed:
    """A body that comes in blocks. PRIVACY: of an error in it the server logs no word."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._answer
        except Exception as exc:
            logger.error("A streamed answer broke off: %s", type(exc).__name__)
            raise BrokeOff from None

    def close(self) -> None:
        self._answer.close()


if __name__ == "__main__":
    main(sys.argv[1:])
