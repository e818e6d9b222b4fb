"""The child process survives nothing it should not, and the parent survives everything."""

from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path

import pytest

from records.guard import Limits, Refusal, run_guarded

HERE = "tests.records.test_guard"
QUICK = Limits(cpu_seconds=1, wall_seconds=5)


def adds(a: int, b: int) -> int:
    return a + b


def eats_memory() -> int:
    return len(bytearray(3 * 1024**3))


def never_ends() -> None:
    while True:
        pass


def sleeps() -> None:
    time.sleep(60)


def dies() -> None:
    os.kill(os.getpid(), 11)


def leaves() -> None:
    os._exit(0)


def raises() -> None:
    raise KeyError("what the file said")


def recurses() -> None:
    recurses()


def writes_much(path: str) -> None:
    with Path(path).open("wb") as file:
        for _ in range(40):
            file.write(bytes(1024**2))


def opens_many() -> int:
    return len([Path(os.devnull).open() for _ in range(500)])


def talks(size: int) -> str:
    return "x" * size


def calls_home(port: int) -> str:
    with socket.create_connection(("127.0.0.1", port), timeout=2):
        return "reached"


def sees() -> dict[str, object]:
    return {"environment": sorted(os.environ), "django": "django" in sys.modules}


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S3_SECRET_KEY", "hush")


class TestRunGuarded:
    def test_it_returns_what_the_function_returns(self):
        assert run_guarded(f"{HERE}:adds", 2, 3) == 5

    @pytest.mark.parametrize(
        ("function", "code"),
        [
            ("eats_memory", "too_big"),
            ("recurses", "too_big"),
            ("never_ends", "too_slow"),
            ("dies", "crashed"),
            ("leaves", "crashed"),
            ("raises", "crashed"),
            ("opens_many", "crashed"),
            ("is_not_there", "crashed"),
        ],
    )
    def test_it_comes_back_whatever_happens(self, function, code):
        assert run_guarded(f"{HERE}:{function}", limits=QUICK) == Refusal(code)

    def test_it_does_not_wait_for_a_sleeper(self):
        began = time.monotonic()
        assert run_guarded(f"{HERE}:sleeps", limits=Limits(wall_seconds=1)) == Refusal("too_slow")
        assert time.monotonic() - began < 5

    def test_it_stops_who_fills_the_disk(self, tmp_path):
        limits = Limits(written_bytes=5 * 1024**2)
        told = run_guarded(f"{HERE}:writes_much", str(tmp_path / "big"), limits=limits)
        assert told == Refusal("too_big")
        assert (tmp_path / "big").stat().st_size <= 5 * 1024**2

    def test_it_takes_no_endless_answer(self):
        assert run_guarded(f"{HERE}:talks", 9 * 1024**2) == Refusal("too_big")

    def test_the_child_knows_no_secret(self):
        seen = run_guarded(f"{HERE}:sees")
        assert not {"SECRET_KEY", "DATABASE_URL", "S3_SECRET_KEY"} & set(seen["environment"])
        assert seen["django"] is False

    def test_the_child_reaches_no_network(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            told = run_guarded(f"{HERE}:calls_home", server.getsockname()[1])
        if run_guarded(f"{HERE}:network") == network():
            pytest.skip("this kernel lets no process give up its network")
        assert told == Refusal("crashed")


def network() -> str:
    return str(Path("/proc/self/ns/net").readlink())
