"""`python -m deploy.local up`: lock, servers, set-up, web, worker, beat; watch them; stop them."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from types import FrameType
from typing import IO

from deploy.local import bytecode, environment, frontend, messages, pango
from deploy.local.children import Child, Guard, dying_with_parent
from deploy.local.paths import ROOT, CannotStart, private_dir, state_dir, take_lock
from deploy.local.postgres import Postgres
from deploy.local.setup_app import LOGINS
from deploy.local.valkey import Valkey

QUEUES = "records,transfers,notifications,default"
STARTS_PER_MINUTE = 3
WEB_READY_SECONDS = 60
STOP_SECONDS = 7
PREVIOUS_RUN_SECONDS = 25


class Stopped(Exception):
    """The person pressed Ctrl-C, or the runner was asked to end."""


class Runner:
    """One local installation: servers first, then the application's processes."""

    def __init__(self, *, with_demo: bool = True) -> None:
        self.state, self.with_demo = state_dir(), with_demo
        self.host, self.port = environment.address()
        self.site_url = os.environ.get("SITE_URL") or environment.site_url(self.host, self.port)
        self.servers: list[Postgres | Valkey] = []
        self.children: list[Child] = []
        self.stopping = False
        # A killed `make` must not leave us behind; a shell that merely ends may (nohup).
        self.parent = os.getppid() if os.environ.get("MAKELEVEL") else 0

    def run(self) -> int:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        lock = hold_state(self.state, self.site_url)
        with hold_leftovers(self.state) as leftovers:
            self.guard = Guard(leftovers)
        try:
            self.start()
            self.watch()
        except Stopped:
            return 0
        finally:
            self.stop()
            self.guard.dismiss()
            lock.close()
        return 1

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True

    def check_stopping(self) -> None:
        if self.parent and os.getppid() != self.parent:
            self.stopping = True
        if self.stopping:
            raise Stopped

    def start(self) -> None:
        refuse_taken_port(self.host, self.port)
        frontend.prepare()
        messages.compile_all()
        bytecode.compile_ours()
        keep_old_logs(self.log_dir)
        env = self.start_servers() | {"SITE_URL": self.site_url}
        env["DEMO"] = "1" if self.with_demo else "0"
        env.setdefault("ALLOWED_HOSTS", environment.allowed_hosts(self.site_url))
        if hint := pango.missing():
            print(hint, flush=True)
        print("Preparing the database ...", flush=True)
        self.run_step(
            [sys.executable, "-m", "deploy.local.setup_app"], env | {"LOG_LEVEL": "WARNING"}
        )
        web, *others = application_processes(self, env)
        self.children = [web]
        web.start()
        self.wait_for_web()  # alone: the page is there before the workers take the processor
        self.children += others
        for child in others:
            self.check_stopping()
            child.start()
        self.greet()

    def start_servers(self) -> dict[str, str]:
        """Start what no variable points to elsewhere. Returns the application's environment."""
        urls = {
            "database_url": os.environ.get("DATABASE_URL", ""),
            "redis_url": os.environ.get("REDIS_URL", ""),
        }
        for name, kind in (("database_url", Postgres), ("redis_url", Valkey)):
            self.check_stopping()
            if not urls[name]:
                server = kind(self.state, self.guard)
                self.servers.append(server)
                server.start()
                urls[name] = server.url
        return environment.application(self.state, **urls)

    def run_step(self, command: list[str], env: dict[str, str]) -> None:
        """Run one command to its end, in its own session so that Ctrl-C is ours to handle."""
        step = subprocess.Popen(
            command, cwd=ROOT, env=env, start_new_session=True, preexec_fn=dying_with_parent()
        )
        self.guard.watch(-step.pid, signal.SIGTERM)
        try:
            while step.poll() is None:
                self.check_stopping()
                time.sleep(0.05)
        finally:
            if step.poll() is None:
                step.kill()
                step.wait()
            self.guard.forget(-step.pid)
        if step.returncode:
            raise CannotStart("The set-up did not finish. Its own words are above.")

    def wait_for_web(self) -> None:
        deadline = time.monotonic() + WEB_READY_SECONDS
        while time.monotonic() < deadline:
            self.check_stopping()
            self.restart_crashed()
            if answers(self.host, self.port):
                return
            time.sleep(0.1)
        raise CannotStart(
            f"The web process did not answer within {WEB_READY_SECONDS} s. See {self.log_dir}."
        )

    @property
    def log_dir(self) -> Path:
        return self.state / "log"

    def greet(self) -> None:
        print(f"\nSecondOp is ready: {self.site_url}\n", flush=True)
        logins = self.state / LOGINS
        if logins.exists():
            print(logins.read_text().rstrip() + "\n", flush=True)
        print(f"Logs: {self.log_dir}. Ctrl-C stops everything.", flush=True)

    def watch(self) -> None:
        while True:
            self.check_stopping()
            self.restart_crashed()
            time.sleep(0.2)

    def restart_crashed(self) -> None:
        for server in self.servers:
            if not server.child.is_running():
                self.note_crash(server.child)
                server.start()
        for child in self.children:
            if not child.is_running():
                self.note_crash(child)
                child.start()

    def note_crash(self, child: Child) -> None:
        """Say it, and give up on a process that keeps dying: a loop would hide the reason."""
        self.check_stopping()
        code = child.process.returncode if child.process else None
        child.sweep()
        recent = [moment for moment in child.starts if moment > time.monotonic() - 60]
        if len(recent) >= STARTS_PER_MINUTE:
            raise CannotStart(
                f"{child.name} stopped {STARTS_PER_MINUTE} times within a minute "
                f"(exit code {code}). Its last words:\n{child.last_words()}"
            )
        print(f"{child.name} stopped (exit code {code}); starting it again.", flush=True)

    def stop(self) -> None:
        """Processes first and together, then the servers they need."""
        self.stopping = True
        deadline = time.monotonic() + STOP_SECONDS
        for child in self.children:
            child.ask_to_stop()
        for child in reversed(self.children):
            child.patience = max(0.1, deadline - time.monotonic())
            child.stop()
        for server in reversed(self.servers):
            server.stop()


def application_processes(runner: Runner, env: dict[str, str]) -> list[Child]:
    celery = [sys.executable, "-m", "celery", "-A", "secondop"]
    schedule = private_dir(runner.state / "beat") / "schedule"
    quiet = ["--without-gossip", "--without-mingle", "--loglevel", "INFO"]
    web = [sys.executable, "-m", "secondop.serve", "--host", runner.host]
    commands = {
        "web": [*web, "--port", str(runner.port), "--threads", "16", "--patience", "5"],
        "worker": [*celery, "worker", "-Q", QUEUES, "--concurrency", "2", "-n", "local@%h", *quiet],
        "beat": [*celery, "beat", "-s", str(schedule), "--pidfile=", "--loglevel", "INFO"],
    }
    if env.get("DICOM_PORT", "0") not in ("", "0"):  # nobody waits for C-MOVE otherwise
        commands["receiver"] = [sys.executable, str(ROOT / "manage.py"), "dicom_receiver"]
    return [
        Child(name, command, log=runner.log_dir / f"{name}.log", guard=runner.guard, env=env)
        for name, command in commands.items()
    ]


def keep_old_logs(folder: Path) -> None:
    """One earlier run's logs stay for comparison; more would only fill the disk."""
    for log in folder.glob("*.log"):
        log.replace(log.with_suffix(".log.1"))


def hold_state(state: Path, site_url: str) -> IO[str]:
    """Take the state folder for this runner, or say who has it.

    The kernel frees the lock in the moment the runner dies, so no stale process number misleads.
    """
    lock = take_lock(state / "lock")
    if lock is None:
        raise CannotStart(
            f"SecondOp already runs from this folder: {(state / 'lock').read_text().strip()}. "
            f"Stop it with Ctrl-C, or set STATE_DIR and PORT to run another."
        )
    lock.truncate(0)
    lock.write(f"{site_url} (process {os.getpid()})\n")
    lock.flush()
    return lock


def hold_leftovers(state: Path) -> IO[str]:
    """The guard's lock: free when everything an earlier run started is gone."""
    path = state / "guard.lock"
    if leftovers := take_lock(path):
        return leftovers
    print("An earlier run is still stopping ...", flush=True)
    deadline = time.monotonic() + PREVIOUS_RUN_SECONDS
    while time.monotonic() < deadline:
        if leftovers := take_lock(path):
            return leftovers
        time.sleep(0.1)
    raise CannotStart(f"An earlier run still holds {path}. Wait a moment and try again.")


def refuse_taken_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CannotStart(
                f"Port {port} on {host} cannot be used ({error.strerror}). "
                f"Choose another one: PORT={port + 1 if port < 65535 else 8000} make run"
            ) from error


def answers(host: str, port: int) -> bool:
    """Whether the web process serves requests. Any answer below 500 counts."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    connection = http.client.HTTPConnection(shown, port, timeout=5)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
