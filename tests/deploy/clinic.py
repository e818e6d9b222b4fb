"""The services of docker-compose.yml as processes: same commands and variables, real servers.

Only what the container engine would provide is put in place here: host names, ports and paths.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from deploy.local import root
from deploy.local.paths import ROOT
from deploy.local.postgres import find_programs
from deploy.local.valkey import find_server
from tests.deploy.processes import free_port

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
WORKERS = [name for name in SERVICES if name.startswith("worker-")]


class Clinic:
    """Start services by their names in the compose file; `stop()` ends all of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = {name: free_port() for name in ("database", "broker", "cache", "web")}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.secrets = folder / "secrets"
        subprocess.run(
            [ROOT / "deploy" / "make-secrets", self.secrets], check=True, capture_output=True
        )
        for path in self.secrets.iterdir():
            path.chmod(0o644)
            path.write_text(self.here(path.read_text()))
        (folder / "state").mkdir()

    def here(self, text: str) -> str:
        """Put names, ports and paths of this machine where the container engine has its own."""
        text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)
        for name, port in (("database", 5432), ("broker", 6379), ("cache", 6379), ("web", 8000)):
            text = text.replace(f"@{name}:{port}", f"@127.0.0.1:{self.ports[name]}")
        text = text.replace("--host=0.0.0.0", "--host=127.0.0.1")
        text = text.replace("--port=8000", f"--port={self.ports['web']}")
        text = text.replace("127.0.0.1:8000", f"127.0.0.1:{self.ports['web']}")
        text = text.replace("/run/secrets", str(self.folder / "secrets"))
        text = text.replace("/var/lib/secondop", str(self.folder / "state"))
        text = text.replace("/etc/valkey.conf", str(ROOT / "deploy/valkey/valkey.conf"))
        return re.sub(r"/tmp/(?=schedule)", f"{self.folder}/", text)

    def environment(self, name: str, *, without: frozenset[str] = frozenset()) -> dict[str, str]:
        """The service's variables and no other of ours."""
        env = {k: os.environ[k] for k in ("LANG", "HOME", "TMPDIR") if k in os.environ}
        env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        env["HOSTNAME"] = os.uname().nodename
        declared = SERVICES[name].get("environment", {})
        return env | {k: self.here(v) for k, v in declared.items() if k not in without}

    def start(self, name: str, *, without: frozenset[str] = frozenset()) -> None:
        command = [self.here(part) for part in SERVICES[name]["command"]]
        if command[0] == "valkey-server":
            command = [str(find_server()), *command[1:], "--port", str(self.ports[name])]
            (self.folder / name).mkdir(exist_ok=True)
            command += ["--bind", "127.0.0.1", "--dir", str(self.folder / name)]
        self._spawn(name, command, self.environment(name, without=without))

    def start_database(self) -> None:
        """What the postgres image does at its first start, with its variables and our script."""
        place = root.arrange(find_programs(), self.folder / "postgres")
        service = SERVICES["database"]
        options = service["environment"]["POSTGRES_INITDB_ARGS"].split()
        (self.folder / "postgres").mkdir(exist_ok=True)
        shutil.copy(self.secrets / "postgres_password", place.data.parent / "password")
        options += [f"--pwfile={place.data.parent / 'password'}", "--no-sync"]
        initdb = [*place.prefix, place.programs / "initdb", "-D", place.data, "-U", "postgres"]
        subprocess.run(
            [*initdb, "--auth-local=trust", "--auth-host=scram-sha-256", *options],
            check=True,
            capture_output=True,
            cwd=place.data.parent,
            **place.credentials,  # type: ignore[call-overload]
        )
        port = str(self.ports["database"])
        server = [str(place.programs / "postgres"), "-D", str(place.data), *service["command"][1:]]
        command = [*place.prefix, *server, "-k", str(place.sockets), "-p", port]
        self._spawn("database", command, dict(os.environ), **place.credentials)
        self.psql_env = os.environ | {"PGHOST": str(place.sockets), "PGPORT": port}
        self.psql_env["PATH"] = f"{place.programs}{os.pathsep}{os.environ['PATH']}"

    def create_application_role(self) -> None:
        script = self.here((ROOT / "deploy/postgres/application.sh").read_text())
        subprocess.run(["bash", "-c", script], env=self.psql_env, check=True, capture_output=True)

    def psql(self, statement: str) -> str:
        command = ["psql", "-X", "-U", "postgres", "-d", "secondop", "-Atc", statement]
        done = subprocess.run(command, env=self.psql_env, capture_output=True, text=True)
        return done.stdout.strip()

    def run(self, name: str, command: list[str]) -> subprocess.CompletedProcess[str]:
        """Run a command to its end in the service's environment, as `docker compose exec` would."""
        return subprocess.run(
            command, cwd=ROOT, env=self.environment(name), capture_output=True, text=True
        )

    def health(self, name: str) -> subprocess.CompletedProcess[str]:
        """Run the service's own health check."""
        kind, *parts = SERVICES[name]["healthcheck"]["test"]
        command = [self.here(part).replace("$$", "$") for part in parts]
        return self.run(name, ["sh", "-c", command[0]] if kind == "CMD-SHELL" else command)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def _spawn(self, name: str, command: list[str], env: dict[str, str], **more: Any) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command, cwd=ROOT, env=env, stdout=log, stderr=log, start_new_session=True, **more
            )

    def stop(self) -> None:
        """Processes first, the database last; what does not go is killed with its group."""
        for name, process in self.processes.items():
            if name not in ("database", "broker", "cache"):
                process.send_signal(signal.SIGTERM)
        for name, process in reversed(self.processes.items()):
            process.send_signal(signal.SIGINT if name == "database" else signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(5)
