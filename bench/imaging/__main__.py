"""Imaging against Debian's Orthanc 1.10, same study, same run: `python -m bench.imaging STUDY_DIR`.

Run it inside `deploy.local test` (own database). STUDY_DIR holds one series of DICOM files, such
as `make_study.py ct` writes. Ours runs as gunicorn with two workers; rounds alternate. Everything
that is compared is checked to be equal first: counts of instances, bytes of frames.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests

from bench.imaging import orthanc

ROUNDS = int(os.environ.get("ROUNDS", "3"))
PORT = 18043
BATCH = 50
FRAME = {"Accept": 'multipart/related; type="application/octet-stream"; transfer-syntax=*'}
JSON = {"Accept": "application/dicom+json"}


def main() -> None:
    folder = Path(sys.argv[1])
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    files = [path.read_bytes() for path in sorted(folder.iterdir())]
    results: dict[str, dict[str, list[float]]] = {}
    with orthanc.running() as theirs, ours_running() as ours:
        for _ in range(ROUNDS):
            one_round(ours, theirs, files, folder, results)
    for name, sides in results.items():
        mine, other = (statistics.median(sides[side]) for side in ("ours", "orthanc"))
        faster = other / mine if "ms" in name else mine / other
        print(f"| {name} | {mine:,.1f} | {other:,.1f} | {faster:.1f}x |")


class Ours:
    """A case file and a signed-in session on our server."""

    def __init__(self, root: str) -> None:
        self.root, self.worker_rss = root, 0
        self.fresh()

    def fresh(self) -> None:
        from tests.records.dicom.samples import a_case_file
        from tests.secondop.api.dicomweb_files import signed_in

        self.case_file = a_case_file()
        self.cookie = {"session": signed_in(self.case_file.patient.user).cookies["session"].value}
        self.base = f"{self.root}/case-files/{self.case_file.pk}/dicom-web"

    def session(self) -> requests.Session:
        session = requests.Session()
        session.cookies.update(self.cookie)
        return session


class ours_running:
    def __enter__(self) -> Ours:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "secondop.wsgi:application",
             "-b", f"127.0.0.1:{PORT}", "-w", "2", "-k", "gthread", "--threads", "4",
             "--log-level", "error"],
            env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings", "LOG_LEVEL": "ERROR"},
        )  # fmt: skip
        root = f"http://127.0.0.1:{PORT}"
        for _ in range(200):
            try:
                requests.get(root + "/livez", timeout=1)
                break
            except requests.RequestException:
                time.sleep(0.1)
        return Ours(root)

    def __exit__(self, *_: object) -> None:
        print("web workers, largest resident MB:", [round(kb / 1024) for kb in self.memory()])
        self.process.terminate()
        self.process.wait()

    def memory(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        lines = [Path(f"/proc/{pid}/status").read_text() for pid in children.split()]
        return [int(text.split("VmHWM:")[1].split()[0]) for text in lines]


def one_round(
    ours: Ours, theirs: str, files: list[bytes], folder: Path, results: dict[str, Any]
) -> None:
    def keep(name: str, side: str, value: float) -> None:
        results.setdefault(name, {}).setdefault(side, []).append(value)

    for kind, compression in (("deflated", zipfile.ZIP_DEFLATED), ("stored", zipfile.ZIP_STORED)):
        path = Path(tempfile.gettempdir()) / f"bench-imaging-{kind}-{len(files)}.zip"
        if not path.exists():
            with zipfile.ZipFile(path, "w", compression, compresslevel=6) as archive:
                for number, file in enumerate(files):
                    archive.writestr(str(number), file)
        ours.fresh()
        keep(f"{kind} ZIP to visible, instances/s", "ours", len(files) / our_zip(ours, path))
        empty(theirs)
        keep(f"{kind} ZIP to visible, instances/s", "orthanc", len(files) / their_zip(theirs, path))
    ours.fresh()
    seconds = stow(ours.base + "/studies", ours.session(), files)
    keep("STOW in batches of 50, instances/s", "ours", len(files) / seconds)
    empty(theirs)
    seconds = stow(theirs + "/dicom-web/studies", requests.Session(), files)
    keep("STOW in batches of 50, instances/s", "orthanc", len(files) / seconds)
    for side, base, session in (
        ("ours", ours.base, ours.session()),
        ("orthanc", theirs + "/dicom-web", requests.Session()),
    ):
        reads(base, session, lambda name, value, side=side: keep(name, side, value), len(files))


def our_zip(ours: Ours, path: Path) -> float:
    from records.dicom import archives

    begun = time.perf_counter()
    with path.open("rb") as file:
        told = archives.ingest(file, ours.case_file, by=ours.case_file.patient.user)
    assert told["stored"], told
    found = ours.session().get(ours.base + "/studies", headers=JSON).json()
    assert found[0]["00201208"]["Value"] == [told["stored"]]
    return time.perf_counter() - begun


def their_zip(theirs: str, path: Path) -> float:
    begun = time.perf_counter()
    with path.open("rb") as file:
        requests.post(f"{theirs}/instances", data=file).raise_for_status()
    requests.get(f"{theirs}/dicom-web/studies", headers=JSON).raise_for_status()
    return time.perf_counter() - begun


def empty(theirs: str) -> None:
    for patient in requests.get(f"{theirs}/patients").json():
        requests.delete(f"{theirs}/patients/{patient}")


def stow(url: str, session: requests.Session, files: list[bytes]) -> float:
    kind = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=xxboundaryxx'}
    head = b"--xxboundaryxx\r\nContent-Type: application/dicom\r\n\r\n"
    begun = time.perf_counter()
    for start in range(0, len(files), BATCH):
        parts = b"".join(head + file + b"\r\n" for file in files[start : start + BATCH])
        answer = session.post(url, data=parts + b"--xxboundaryxx--\r\n", headers=kind | JSON)
        assert answer.status_code == 200, answer.content[:300]
    return time.perf_counter() - begun


def reads(base: str, session: requests.Session, keep: Any, count: int) -> None:
    study = session.get(base + "/studies", headers=JSON).json()[0]["0020000D"]["Value"][0]
    at = f"{base}/studies/{study}"
    series = session.get(at + "/series", headers=JSON).json()[0]["0020000E"]["Value"][0]
    at = f"{at}/series/{series}"

    def timed(name: str, url: str, headers: dict[str, str]) -> Any:
        begun = time.perf_counter()
        answer = session.get(url, headers=headers)
        keep(name, (time.perf_counter() - begun) * 1000)
        assert answer.status_code == 200
        return answer

    first = timed("series metadata, first, ms", at + "/metadata", JSON)
    assert len(first.json()) == count
    for _ in range(5):
        timed("series metadata, repeated, ms", at + "/metadata", JSON)
        rows = timed("QIDO instances of the series, ms", at + "/instances", JSON).json()
    uids = [row["00080018"]["Value"][0] for row in rows]
    assert len(uids) == count
    urls = [f"{at}/instances/{uid}/frames/1" for uid in uids]
    begun = time.perf_counter()
    with session.get(base + f"/studies/{study}", stream=True) as answer:
        size = sum(len(block) for block in answer.iter_content(1024**2))
    keep("study whole (multipart), MB/s", size / 1e6 / (time.perf_counter() - begun))
    for connections in (1, 8):
        rate = frame_rate(urls, session, connections)
        keep(f"frames of 512 KiB, {connections} connections, a second", rate)


def frame_rate(urls: list[str], like: requests.Session, connections: int) -> float:
    """Frames a second over 4 seconds; the client runs in processes of its own."""
    order = {"urls": urls, "cookies": dict(like.cookies), "seconds": 4}
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", CLIENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for _ in range(connections)
    ]
    with ThreadPoolExecutor(connections) as pool:
        ask = json.dumps(order).encode()
        answers = list(pool.map(lambda worker: worker.communicate(ask)[0], workers))
    return sum(float(answer) for answer in answers)


CLIENT = """
import http.client, json, sys, time, random
from urllib.parse import urlsplit
order = json.load(sys.stdin)
urls = order["urls"]; random.shuffle(urls)
where = urlsplit(urls[0])
line = http.client.HTTPConnection(where.hostname, where.port)
headers = {"Accept": 'multipart/related; type="application/octet-stream"; transfer-syntax=*',
           "Cookie": "; ".join(f"{k}={v}" for k, v in order["cookies"].items())}
count, begun = 0, time.perf_counter()
while time.perf_counter() - begun < order["seconds"]:
    line.request("GET", urlsplit(urls[count % len(urls)]).path, headers=headers)
    answer = line.getresponse()
    body = answer.read()
    assert answer.status == 200 and len(body) > 500000, (answer.status, len(body))
    count += 1
print(count / (time.perf_counter() - begun))
"""


if __name__ == "__main__":
    main()
