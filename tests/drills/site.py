"""A whole installation of its own for one drill: real PostgreSQL, Valkey, workers, beat and web."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from deploy.local import environment, template
from deploy.local.children import Guard, dying_with_parent
from deploy.local.postgres import Postgres
from deploy.local.valkey import Valkey

ROOT = Path(__file__).parents[2]
PREPARE = """
import django; django.setup()
from tests import factories
"""


def eventually(condition: Callable[[], bool], *, seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.2)
    raise AssertionError(f"not within {seconds} s: {what}")


class Site:
    def __init__(self) -> None:
        self.state = Path(tempfile.mkdtemp(prefix="secondop-drill-"))
        self.guard = Guard()
        self.guard.remove_at_end(self.state)
        self.postgres = Postgres(self.state, self.guard, template=template.named())
        self.valkey = Valkey(self.state, self.guard)
        self.processes: list[subprocess.Popen[str]] = []
        (self.state / "log").mkdir(exist_ok=True)
        self.log = (self.state / "log" / "processes.log").open("a")

    def start(self) -> Site:
        self.postgres.start()
        self.valkey.start()
        clean = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL")}
        self.env = clean | environment.application(
            self.state, database_url=self.postgres.url, redis_url=self.valkey.url
        )
        self.env |= {"DATABASE_URL": self.postgres.url, "REDIS_URL": self.valkey.url, "DEMO": "1",
                     "STATE_DIR": str(self.state), "JOB_LEASE_SECONDS": "3",
                     "SWEEP_EVERY_SECONDS": "1", "LOG_LEVEL": "WARNING",
                     "DJANGO_SETTINGS_MODULE": "secondop.settings"}  # fmt: skip
        assert self.python("-m", "django", "migrate", "-v0").wait() == 0, self.last_words()
        return self

    def stop(self) -> None:
        for process in self.processes:
            self.kill(process)
        self.valkey.stop()
        self.postgres.stop()
        self.log.close()
        self.guard.dismiss()

    def python(self, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.env,
            text=True,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=self.log,
            preexec_fn=dying_with_parent(),
        )
        self.processes.append(process)
        return process

    def script(self, code: str) -> subprocess.Popen[str]:
        """Run Python with Django and the factories at hand, in a process of its own."""
        return self.python("-c", PREPARE + code)

    def run(self, code: str) -> None:
        process = self.script(code)
        assert process.wait(timeout=120) == 0, self.last_words()

    def last_words(self) -> str:
        return (self.state / "log" / "processes.log").read_text()[-2000:]

    def worker(self) -> subprocess.Popen[str]:
        return self.python("-m", "celery", "-A", "secondop", "worker", "-c", "2", "-l", "warning",
                           "-Q", "default,records,transfers,notifications")  # fmt: skip

    def beat(self, name: str) -> subprocess.Popen[str]:
        schedule = str(self.state / f"beat-{name}")
        command = "celery -A secondop beat -l warning --pidfile= --max-interval 1"
        return self.python("-m", *command.split(), "-s", schedule)

    def web(self) -> str:
        """Start the web server on a free port; return its address."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.env["SITE_URL"] = f"http://127.0.0.1:{port}"
        self.python("-m", "secondop.serve", "--port", str(port), "--threads", "8")
        return self.env["SITE_URL"]

    @staticmethod
    def kill(process: subprocess.Popen[str]) -> None:
        """kill -9 of the process and of everything it started."""
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.postgres.url) as connection:
            return connection.execute(statement).fetchall()

    def count(self, table: str, where: str = "true") -> int:
        return int(self.sql(f"SELECT count(*) FROM {table} WHERE {where}")[0][0])

    def flush_redis(self) -> None:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.valkey.socket))
            connection.sendall(b"FLUSHALL\r\n")
            assert connection.recv(16).startswith(b"+OK")

    def mails(self) -> list[str]:
        """The Message-ID of every mail that left, in any order."""
        return [
            line.removeprefix("Message-ID:").strip()
            for path in (self.state / "mail").glob("*.log")
            for line in path.read_text().splitlines()
            if line.startswith("Message-ID:")
        ]
