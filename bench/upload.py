"""One file of 1 GB through the web server by tus: its memory, and its speed against a copy.

`make bench ARGS=upload`, or inside `deploy.local test`: `python -m bench.upload [megabytes]`. The
figures to keep: the web processes' memory grows by less than 30 MB, and the ratio to a plain copy
of the same bytes to the same disk with one fsync, both measured in this run, alternating.
"""

from __future__ import annotations

import http.client
import os
import secrets
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

PIECE_BYTES = 8 * 1024**2
MEGABYTE = 1024**2
ROUNDS = 3


def main() -> None:
    megabytes = int(next((a for a in sys.argv[1:] if a.isdigit()), 1024))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "secondop.settings")
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    source = Path(settings.STATE_DIR) / "source.bin"
    make_source(source, megabytes)
    port = free_port()
    web = start_web(port)
    try:
        wait_for(port)
        session, case_file = somebody()
        send(port, session, case_file, source, most=4 * PIECE_BYTES)  # warm
        memory = Memory(web.pid)
        memory.start()
        copies, uploads = [], []
        for _ in range(ROUNDS):
            copies.append(copy(source, Path(settings.STATE_DIR) / "copy.bin"))
            uploads.append(send(port, session, case_file, source))
        memory.stop()
        check(case_file, source)
        report(megabytes, copies, uploads, memory)
    finally:
        web.send_signal(signal.SIGTERM)
        web.wait(20)
        source.unlink(missing_ok=True)


def make_source(path: Path, megabytes: int) -> None:
    block = secrets.token_bytes(MEGABYTE)
    with path.open("wb") as file:
        for number in range(megabytes):
            file.write(number.to_bytes(8, "big") + block[8:])
        file.flush()
        os.fsync(file.fileno())


def copy(source: Path, target: Path) -> float:
    """Seconds for reading, writing and one fsync."""
    began = time.perf_counter()
    with source.open("rb") as read, target.open("wb") as write:
        while block := read.read(MEGABYTE):
            write.write(block)
        write.flush()
        os.fsync(write.fileno())
    seconds = time.perf_counter() - began
    target.unlink()
    return seconds


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def start_web(port: int) -> subprocess.Popen[bytes]:
    """The same command line as `make run`, one process so that its memory is one figure."""
    command = [sys.executable, "-m", "secondop.serve", "--port", str(port)]
    return subprocess.Popen([*command, "--workers", "1", "--threads", "16"])


def wait_for(port: int) -> None:
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the web process did not start")


def somebody() -> tuple[str, str]:
    """A patient with a draft; returns the session's key and the case file's id."""
    from django.conf import settings
    from django.test import Client

    from tests import factories

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    opinion_request = factories.draft()
    client = Client()
    client.force_login(opinion_request.started_by)
    return client.cookies[settings.SESSION_COOKIE_NAME].value, str(opinion_request.case_file_id)


def send(port: int, session: str, case_file: str, source: Path, *, most: int = 0) -> float:
    """Seconds from the first request until the server says that all of it is a document."""
    size = most or source.stat().st_size
    token = "t" * 32
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    common = {
        "Tus-Resumable": "1.0.0",
        "Cookie": f"session={session}; csrf={token}",
        "X-CSRFToken": token,
    }
    began = time.perf_counter()
    told = {"Upload-Length": str(size), "Content-Length": "0"}
    place = ask(line, "POST", f"/records/case-files/{case_file}/uploads/", common | told)[
        "Location"
    ]
    told = {"Content-Type": "application/offset+octet-stream"}
    with source.open("rb") as file:
        for offset in range(0, size, PIECE_BYTES):
            piece = file.read(min(PIECE_BYTES, size - offset))
            headers = common | told | {"Upload-Offset": str(offset)}
            answer = ask(line, "PATCH", place, headers, piece)
    assert answer["Upload-Offset"] == str(size), answer
    seconds = time.perf_counter() - began
    line.close()
    return seconds


def ask(
    line: http.client.HTTPConnection,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes = b"",
) -> http.client.HTTPMessage:
    line.request(method, path, body, headers)
    answer = line.getresponse()
    text = answer.read()
    if answer.status >= 300:
        raise SystemExit(f"{method} {path}: {answer.status} {text[:300]!r}")
    return answer.headers


class Memory(threading.Thread):
    """Samples the resident memory of a process and its children every 50 ms."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.samples, self.running = pid, [family_rss(pid)], True

    def run(self) -> None:
        while self.running:
            self.samples.append(family_rss(self.pid))
            time.sleep(0.05)

    def stop(self) -> None:
        self.running = False
        self.join()


def family_rss(pid: int) -> float:
    """MB."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    pages = sum(int(Path(f"/proc/{p}/statm").read_text().split()[1]) for p in [pid, *children])
    return pages * os.sysconf("SC_PAGE_SIZE") / MEGABYTE


def check(case_file: str, source: Path) -> None:
    """Every upload is a document of the same bytes."""
    import hashlib

    from django.core.files.storage import default_storage

    from records.models import Document

    with source.open("rb") as file:
        expected = hashlib.file_digest(file, "sha256").digest()
    whole = Document.objects.filter(case_file=case_file, size_bytes=source.stat().st_size)
    assert whole.count() == ROUNDS
    for document in whole:
        with default_storage.open(document.key) as stored:
            assert hashlib.file_digest(stored, "sha256").digest() == expected


def report(megabytes: int, copies: list[float], uploads: list[float], memory: Memory) -> None:
    copied, sent = (megabytes / statistics.median(seconds) for seconds in (copies, uploads))
    first, most = memory.samples[0], max(memory.samples)
    print(f"upload: {ROUNDS} times {megabytes} MB in pieces of {PIECE_BYTES // MEGABYTE} MB")
    print(f"plain copy with fsync  {copied:7.0f} MB/s")
    print(f"upload, all on disk    {sent:7.0f} MB/s   ratio {sent / copied:.2f}")
    print(
        f"memory of the web      {first:7.0f} MB before, {most:.0f} MB at most, grew by "
        f"{most - first:.0f} MB ({len(memory.samples)} samples)"
    )


if __name__ == "__main__":
    main()
