"""`python -m deploy.local up`, for real: killed, interrupted, started twice. Own ports."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.paths import ROOT
from tests.deploy.processes import free_port, processes_of, wait_for

pytestmark = [
    pytest.mark.drill,
    pytest.mark.skipif(sys.platform != "linux", reason="finds processes through /proc"),
]

# What the surrounding test run set for its own servers must not switch the runner's off.
OURS_TO_CHOOSE = {
    "DATABASE_URL",
    "REDIS_URL",
    "CACHE_URL",
    "SECRET_KEY",
    "SITE_URL",
    "BIND",
    "DEMO",
}
MODULE = [sys.executable, "-m", "deploy.local", "up", "--empty"]


class Run:
    """One started runner and what it said."""

    def __init__(self, state: Path, *, port: int, command: list[str] | None = None) -> None:
        self.state, self.port = state, port
        env = {k: v for k, v in os.environ.items() if k not in OURS_TO_CHOOSE}
        env.pop("DJANGO_SETTINGS_MODULE", None)
        env.pop("MAKELEVEL", None)
        self.said = state.with_name(f"said-{port}-{time.monotonic_ns()}.txt")
        with self.said.open("w") as out:
            self.process = subprocess.Popen(
                command or MODULE,
                cwd=ROOT,
                env=env | {"STATE_DIR": str(state), "PORT": str(port)},
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def ready(self) -> Run:
        """Wait for the greeting; a runner that ends before it fails the test with its own words."""

        def greeted() -> bool:
            assert self.process.poll() is None, self.said.read_text()
            return "SecondOp is ready" in self.said.read_text()

        wait_for(greeted, seconds=90, what="the greeting")
        return self

    def ended(self, seconds: float) -> str:
        self.process.wait(seconds)
        return self.said.read_text()

    def status(self, path: str) -> int:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return int(answer.status)
        except OSError:
            return 0

    def runner_pid(self) -> int:
        said = re.search(r"process (\d+)", (self.state / "lock").read_text())
        assert said
        return int(said.group(1))

    def find(self, words: str) -> list[int]:
        return [pid for pid, line in processes_of(self.state).items() if words in line]


@pytest.fixture(scope="module")
def state() -> Iterator[Path]:
    """One folder for all drills here: each start after the first finds its cluster in place."""
    base = Path(tempfile.mkdtemp(prefix="secondop-drill-"))
    yield base / "state"
    for pid in processes_of(base):
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(base, ignore_errors=True)


def nothing_left(state: Path) -> bool:
    return not processes_of(state)


class TestUp:
    def test_it_serves_refuses_a_second_runner_and_stops_on_ctrl_c(self, state: Path) -> None:
        first = Run(state, port=free_port()).ready()
        assert first.status("/livez") == 200
        assert first.status("/readyz") == 200
        assert len(first.find("celery -A secondop worker")) >= 1
        assert len(first.find("celery -A secondop beat")) == 1
        assert oct((state / "secret_key").stat().st_mode & 0o777) == "0o600"

        second = Run(state, port=free_port())
        assert "already runs from this folder" in second.ended(15)
        assert second.process.returncode == 1

        elsewhere = Run(state.with_name("other"), port=first.port)
        assert f"Port {first.port} on 127.0.0.1 cannot be used" in elsewhere.ended(15)
        assert elsewhere.process.returncode == 1
        assert "Traceback" not in second.said.read_text() + elsewhere.said.read_text()

        began = time.monotonic()
        os.kill(first.process.pid, signal.SIGINT)
        said = first.ended(15)
        assert time.monotonic() - began < 15
        assert first.process.returncode == 0, said
        assert nothing_left(state), processes_of(state)

    def test_a_killed_web_process_and_database_come_back(self, state: Path) -> None:
        run = Run(state, port=free_port()).ready()
        try:
            master = min(run.find("secondop.serve"))
            os.kill(master, signal.SIGKILL)
            wait_for(lambda: run.status("/readyz") == 0, seconds=10, what="web is gone")
            wait_for(lambda: run.status("/readyz") == 200, seconds=30, what="web is back")
            os.kill(int((state / "pg" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
            wait_for(lambda: "postgres stopped" in run.said.read_text(), seconds=10, what="noticed")
            wait_for(lambda: run.status("/readyz") == 200, seconds=30, what="database is back")
        finally:
            run.process.send_signal(signal.SIGINT)
            run.ended(20)
        assert nothing_left(state), processes_of(state)

    def test_a_killed_runner_leaves_no_process_and_does_not_block_the_next(
        self, state: Path
    ) -> None:
        run = Run(state, port=free_port()).ready()
        assert len(processes_of(state)) > 10
        run.process.kill()
        run.process.wait(5)
        wait_for(lambda: nothing_left(state), seconds=15, what="every process is gone")

        again = Run(state, port=free_port()).ready()
        for guard in again.find("deploy.local.guard"):  # the kernel's signal is the last net
            os.kill(guard, signal.SIGKILL)
        again.process.kill()
        again.process.wait(5)
        wait_for(
            lambda: nothing_left(state), seconds=15, what="every process is gone without a guard"
        )

    def test_a_killed_make_takes_the_runner_with_it(self, state: Path) -> None:
        if not shutil.which("make") or not (ROOT / ".venv" / ".stamp").exists():
            pytest.skip("this run was not started by make")
        make = ["make", "--no-print-directory", "run-empty"]
        run = Run(state, port=free_port(), command=make).ready()
        assert run.runner_pid() != run.process.pid
        run.process.kill()
        run.process.wait(5)
        wait_for(lambda: nothing_left(state), seconds=20, what="every process is gone")
