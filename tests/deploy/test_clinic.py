"""docker-compose.yml, proven without an engine: its commands and variables against real servers."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from secondop.celery import app
from tests.deploy.clinic import COMPOSE, SERVICES, WORKERS, Clinic
from tests.deploy.processes import processes_of, wait_for

OURS = ["setup", "web", "beat", *WORKERS]
# The store's program is no package here; its settings are left out and files lie in STATE_DIR.
STORE = frozenset(key for key in SERVICES["web"]["environment"] if key.startswith("S3_"))


class TestComposeFile:
    """What can be read off the file, without running it."""

    def test_only_the_proxy_can_be_reached_from_outside(self) -> None:
        open_ones = {name for name, service in SERVICES.items() if "ports" in service}
        assert open_ones == {"proxy", "receiver"}
        assert SERVICES["receiver"]["profiles"] == ["dimse"]  # only where a clinic asks for it
        assert COMPOSE["networks"]["inside"] == {"internal": True}
        for name in ("database", "broker", "cache", "store", "beat", "worker-records", "setup"):
            assert SERVICES[name]["networks"] == ["inside"], name

    def test_each_service_that_stays_has_a_health_check_a_limit_and_restarts(self) -> None:
        for name in set(SERVICES) - {"setup"}:
            service = SERVICES[name]
            assert service["healthcheck"]["test"], name
            assert service["restart"] == "unless-stopped", name
            assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}, name

    def test_our_own_containers_are_no_root_and_cannot_write_their_image(self) -> None:
        for name in OURS:
            service = SERVICES[name]
            assert service["user"] == "10001:10001", name
            assert service["read_only"] is True, name
            assert service["cap_drop"] == ["ALL"], name

    def test_every_queue_has_exactly_one_worker(self) -> None:
        served = []
        for name in WORKERS:
            command = SERVICES[name]["command"]
            served += command[command.index("-Q") + 1].split(",")
        assert sorted(served) == sorted(queue.name for queue in app.conf.task_queues)

    def test_no_secret_stands_in_the_file_and_each_is_made(self, tmp_path: Path) -> None:
        made = Clinic(tmp_path).secrets
        assert {path.name for path in made.iterdir()} == set(COMPOSE["secrets"])
        assert made.stat().st_mode & 0o777 == 0o700
        for name, service in SERVICES.items():
            assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"]), name
            for key in service.get("environment", {}):
                secret = key.endswith(("_KEY", "PASSWORD", "DATABASE_URL", "REDIS_URL"))
                assert not secret or key == "S3_ACCESS_KEY", f"{name}: {key} wants a file"


@pytest.fixture(scope="module")
def clinic() -> Iterator[Clinic]:
    """The compose file's processes in its order: servers, set-up, web, workers, beat."""
    folder = Path(tempfile.mkdtemp(prefix="secondop-clinic-"))
    clinic = Clinic(folder)
    try:
        clinic.start_database()
        clinic.start("broker")
        clinic.start("cache")
        wait_for(lambda: answers(clinic), seconds=30, what="the database answers")
        clinic.create_application_role()
        clinic.start("setup", without=STORE)
        assert clinic.processes["setup"].wait(300) == 0, clinic.log("setup")
        for name in ("web", *WORKERS, "beat"):
            clinic.start(name, without=STORE)
        wait_for(lambda: get(clinic, "/livez")[0], seconds=60, what="web answers")
        yield clinic
    finally:
        clinic.stop()
        for pid in processes_of(folder):
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)


def answers(clinic: Clinic) -> bool:
    command = ["pg_isready", "-q", "-d", "postgres", "-U", "postgres"]
    if subprocess.run(command, env=clinic.psql_env).returncode:
        return False
    for name in ("broker", "cache"):
        assert clinic.processes[name].poll() is None, clinic.log(name)
    return True


def get(clinic: Clinic, path: str, **headers: str) -> tuple[int, str]:
    url = f"http://127.0.0.1:{clinic.ports['web']}{path}"
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, headers=headers), timeout=10
        ) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()
    except OSError:
        return 0, ""


@pytest.mark.drill
class TestRunningClinic:
    def test_web_is_ready_with_database_cache_and_storage(self, clinic: Clinic) -> None:
        status, body = get(clinic, "/readyz")
        assert (status, set(json.loads(body).values())) == (200, {"ok"}), body
        assert clinic.health("web").returncode == 0

    def test_web_believes_the_proxy_about_https_and_refuses_other_hosts(
        self, clinic: Clinic
    ) -> None:
        status, _ = get(clinic, "/", Host="localhost", **{"X-Forwarded-Proto": "https"})
        assert status == 200, clinic.log("web")
        assert get(clinic, "/", Host="elsewhere.example")[0] == 400

    def test_the_applications_role_is_no_superuser_and_owns_its_database(
        self, clinic: Clinic
    ) -> None:
        role = (
            "SELECT rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = 'secondop'"
        )
        assert clinic.psql(role) == "f|f|f"
        where = "FROM pg_database WHERE datname = 'secondop'"
        assert clinic.psql(f"SELECT pg_get_userbyid(datdba) {where}") == "secondop"
        locale = f"SELECT datlocprovider, datlocale, pg_encoding_to_char(encoding) {where}"
        assert clinic.psql(locale) == "b|C.UTF-8|UTF8"

    def test_a_failing_statement_leaves_nothing_private_in_the_log(self, clinic: Clinic) -> None:
        canary = "breast-carcinoma-canary"
        clinic.psql(f"SELECT '{canary}'::int")
        clinic.psql(f"INSERT INTO django_migrations SELECT * FROM nowhere WHERE app = '{canary}'")
        clinic.psql("CREATE TABLE once (word text PRIMARY KEY)")
        clinic.psql(f"INSERT INTO once VALUES ('{canary}'), ('{canary}')")
        log = clinic.log("database")
        assert "once_pkey" in log
        assert f"({canary})" not in log
        assert "STATEMENT" not in log

    def test_the_broker_keeps_what_it_has_and_asks_for_a_password(self, clinic: Clinic) -> None:
        address = (clinic.secrets / "broker_url").read_text()
        with redis.from_url(address, decode_responses=True) as broker:
            assert broker.config_get("appendonly")["appendonly"] == "yes"
            assert broker.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"
        with redis.from_url(
            (clinic.secrets / "cache_url").read_text(), decode_responses=True
        ) as cache:
            assert cache.config_get("maxmemory-policy")["maxmemory-policy"] == "allkeys-lru"
        with (
            redis.Redis(port=clinic.ports["broker"]) as stranger,
            pytest.raises(redis.AuthenticationError),
        ):
            stranger.config_get("dir")

    def test_each_worker_is_healthy_and_serves_its_queues(self, clinic: Clinic) -> None:
        for name in WORKERS:
            wait_for(
                lambda name=name: "ready." in clinic.log(name), seconds=60, what=f"{name} is ready"
            )
            done = clinic.health(name)
            assert done.returncode == 0, done.stdout + done.stderr

    def test_beat_rings_and_a_worker_hears_it(self, clinic: Clinic) -> None:
        wait_for(
            lambda: "Sending due task sweep jobs" in clinic.log("beat"),
            seconds=60,
            what="beat rings",
        )
        heard = "Task secondop.jobs.tasks.sweep"
        wait_for(
            lambda: any(heard in clinic.log(name) for name in WORKERS),
            seconds=30,
            what="it is heard",
        )
        assert clinic.health("beat").returncode == 0

    def test_no_secret_is_in_any_process_argument_or_environment(self, clinic: Clinic) -> None:
        values = {
            name: (clinic.secrets / name).read_text()
            for name in ("secret_key", "database_password", "postgres_password", "s3_secret_key")
        }
        found = processes_of(clinic.folder)
        assert len(found) > 10
        for pid in found:
            told = b""
            for part in ("cmdline", "environ"):
                path = Path(f"/proc/{pid}/{part}")
                told += path.read_bytes() if path.exists() else b""
            for name, value in values.items():
                assert value.encode() not in told, f"{name} of {found[pid]}"
