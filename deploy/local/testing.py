"""`python -m deploy.local test -- <command>`: a throw-away cluster and Valkey around a command."""

from __future__ import annotations

import os
import signal
import subprocess
from types import FrameType

from deploy.local import bytecode, environment, frontend, messages, pango, template
from deploy.local.children import Guard, dying_with_parent
from deploy.local.paths import ROOT, private_dir, state_dir
from deploy.local.postgres import DATABASE, Postgres
from deploy.local.valkey import Valkey


def run(command: list[str]) -> int:
    """Returns the command's exit code (128 + n when signal n ended it). `up` may run at the same
    time.
    """
    frontend.prepare()
    messages.compile_all()
    bytecode.compile_ours()
    state = private_dir(state_dir() / f"test-{os.getpid()}")
    guard = Guard()
    guard.remove_at_end(state)
    servers: list[Postgres | Valkey] = []
    copied: dict[str, str] = {}
    try:
        database_url, redis_url = (
            os.environ.get("DATABASE_URL", ""),
            os.environ.get("REDIS_URL", ""),
        )
        if not database_url:
            source = template.prepare()
            copied = {template.VARIABLE: str(source), "TEST_TEMPLATE": DATABASE}
            servers.append(postgres := Postgres(state, guard, for_tests=True, template=source))
            guard.remove_at_end(postgres.place.data.parent)
            guard.remove_at_end(postgres.place.sockets)
            postgres.start()
            database_url = postgres.url
        if not redis_url:
            servers.append(valkey := Valkey(state, guard))
            valkey.start()
            redis_url = valkey.url
        env = environment.application(state, database_url=database_url, redis_url=redis_url)
        env.pop("DEMO", None)
        env |= copied
        if hint := pango.missing():
            print(hint, flush=True)
        return in_foreground(command, env, guard)
    finally:
        for server in reversed(servers):
            server.stop()
        guard.dismiss()


def in_foreground(command: list[str], env: dict[str, str], guard: Guard) -> int:
    """Run in our own process group: Ctrl-C goes to the command as well, which ends by itself, then
    we do.
    """
    process = subprocess.Popen(command, cwd=ROOT, env=env, preexec_fn=dying_with_parent())
    guard.watch(process.pid, signal.SIGTERM)

    def pass_on(number: int, frame: FrameType | None) -> None:
        process.send_signal(number)

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, pass_on)
    signal.signal(signal.SIGHUP, pass_on)
    try:
        code = process.wait()
    finally:
        guard.forget(process.pid)
    return code if code >= 0 else 128 - code
