"""Imaging against Debian's Orthanc 1.10, same study, same run: `python -m bench.imaging STUDY_DIR`.

Run it inside `deploy.local test` (own database). STUDY_DIR holds one series of DICOM files, such
as `make_study.py ct` writes. Ours runs with two workers of four threads, and once more
behind nginx. Rounds alternate (ROUNDS=3); a figure is the median of its rounds, a ratio the median
of the ratios of each round. What is compared is checked to be equal first: counts of instances,
bytes of frames. The client does little and the same for both: bodies are made before, answers are
unpacked and read after the clock has stopped. Memory is touched before the clock starts: see
`touched`. GROWTH=0 leaves out the last rows.
"""

from __future__ import annotations

import gzip
import http.client
import io
import json
import mmap
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import requests

from bench.imaging import growth, orthanc
from bench.imaging.ours import PORT, PROXY, Ours, running

ROUNDS = int(os.environ.get("ROUNDS", "3"))
BATCH = 50
JSON = {"Accept": "application/dicom+json"}
BARE = {"Accept": "application/octet-stream"}
FRAMES = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'
# work, unit, whether more is better, what is wanted of Orthanc's figure
ROWS = (
    ("deflated ZIP to visible", "instances/s", True, "4x"),
    ("stored ZIP to visible", "instances/s", True, "6x"),
    ("STOW in batches of 50", "instances/s", True, "4x"),
    ("deflated ZIP, processor without the database", "ms an instance", False, "-"),
    ("stored ZIP, processor without the database", "ms an instance", False, "-"),
    ("series metadata, first request after a batch", "ms", False, "4x"),
    ("series metadata, repeated", "ms", False, "50x"),
    ("QIDO instances of the series", "ms", False, "30x"),
    ("frames of 512 KiB, 8 connections, nginx X-Accel", "a second", True, "2.5x"),
    ("frames of 512 KiB, 8 connections, our server alone", "a second", True, "0.75x"),
    ("frames of 512 KiB, 1 connection, our server alone", "a second", True, "-"),
    ("study as ZIP", "MB/s", True, "500 MB/s"),
    ("study whole, multipart", "MB/s", True, "1x"),
    ("thumbnail of a series, 8 connections", "a second", True, "as frames"),
)
Results = dict[str, dict[str, list[float]]]


def main() -> None:
    folder = Path(sys.argv[1])
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    files = [path.read_bytes() for path in sorted(folder.iterdir())]
    results: Results = defaultdict(lambda: defaultdict(list))
    with orthanc.running() as theirs, running() as ours:
        for number in range(ROUNDS):
            one_round(ours, theirs, files, results)
            now = ours.memory("VmRSS")
            print(f"round {number + 1}: web workers, resident MB: {now}", flush=True)
        table(results)
        print(f"| web worker, largest resident MB | {max(ours.memory())} | | | under 150 |")
        if os.environ.get("GROWTH", "1") == "1":
            few = growth.p95(ours)
            growth.fill(ours.case_file, 10_000)
            many = growth.p95(ours)
            for name, before in few.items():
                print(f"| {name}, p95 ms, 10 and 10,000 studies | {before:.1f} -> {many[name]:.1f}"
                      f" | | {many[name] / before:.2f}x | 1.3x |")  # fmt: skip


def table(results: Results) -> None:
    print("| work | ours | Orthanc | ours is | wanted |\n|---|---|---|---|---|")
    for name, unit, is_rate, wanted in ROWS:
        sides = results[name]
        if not sides["ours"]:
            continue
        mine, other = (
            f"{statistics.median(sides[side]):,.1f}" if sides[side] else "-"
            for side in ("ours", "orthanc")
        )
        each = sorted(
            a / b if is_rate else b / a
            for a, b in zip(sides["ours"], sides["orthanc"], strict=False)
        )
        ratio = f"{statistics.median(each):.1f}x ({each[0]:.1f}-{each[-1]:.1f})" if each else "-"
        print(f"| {name}, {unit} | {mine} | {other} | {ratio} | {wanted} |")


def one_round(ours: Ours, theirs: str, files: list[bytes], results: Results) -> None:
    def keep(name: str, side: str, value: float) -> None:
        results[name][side].append(value)

    for kind, compression in (("deflated", zipfile.ZIP_DEFLATED), ("stored", zipfile.ZIP_STORED)):
        path = Path(tempfile.gettempdir()) / f"bench-imaging-{kind}-{len(files)}.zip"
        if not path.exists():
            with zipfile.ZipFile(path, "w", compression, compresslevel=6) as archive:
                for number, file in enumerate(files):
                    archive.writestr(str(number), file)
        name, used = f"{kind} ZIP to visible", f"{kind} ZIP, processor without the database"
        ours.fresh()
        key = uploaded(path)
        touched()
        before = os.times()
        keep(name, "ours", len(files) / our_zip(ours, key))
        taken = sum(os.times()[:4]) - sum(before[:4])  # this process and its children
        keep(used, "ours", 1000 * taken / len(files))
        empty(theirs)
        touched()
        begun = orthanc.cpu_seconds()
        keep(name, "orthanc", len(files) / their_zip(theirs, path))
        keep(used, "orthanc", 1000 * (orthanc.cpu_seconds() - begun) / len(files))
    ours.fresh()
    touched()
    seconds = stow(ours.base() + "/studies", ours.session(), files)
    keep("STOW in batches of 50", "ours", len(files) / seconds)
    empty(theirs)
    touched()
    seconds = stow(theirs + "/dicom-web/studies", requests.Session(), files)
    keep("STOW in batches of 50", "orthanc", len(files) / seconds)
    previews(ours)
    for side, base, session in (
        ("ours", ours.base(), ours.session()),
        ("orthanc", theirs + "/dicom-web", requests.Session()),
    ):
        reads(side, base, session, keep, len(files), ours)
    downloads(ours, theirs, keep)


def touched(size_bytes: int = 1024**3) -> None:
    """Have memory for what is written next.

    A virtual machine gets each page from its host when it is first written to, and gives it back
    when it was free for a while. At 260 MB that took 0.07 s or 0.7 s, whoever wrote them.
    """
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_POPULATE", 0)
    mmap.mmap(-1, size_bytes, flags=flags).close()


def previews(ours: Ours) -> None:
    """What the worker does after a batch: the thumbnail of each series."""
    from records.dicom import thumbnails
    from records.models import ImagingSeries

    for series in ImagingSeries.objects.filter(case_file=ours.case_file):
        thumbnails.make_for(series)


def our_zip(ours: Ours, key: str) -> float:
    """The whole job of the worker, from an archive that was uploaded to what a search finds."""
    from records.dicom import archives
    from records.models import ImagingIngest

    job = ImagingIngest.objects.create(
        clinic_id=ours.case_file.clinic_id, case_file=ours.case_file,
        by=ours.case_file.patient.user, key=key,
    )  # fmt: skip
    begun = time.perf_counter()
    archives.take(ImagingIngest.claim(job.pk))
    found = ours.session().get(ours.base() + "/studies", headers=JSON).json()
    taken = time.perf_counter() - begun
    job.refresh_from_db()
    assert job.outcome["stored"], job.outcome
    assert found[0]["00201208"]["Value"] == [job.outcome["stored"]]
    return taken


def uploaded(path: Path) -> str:
    """The archive as an upload leaves it: stored and flushed."""
    from django.core.files import File
    from django.core.files.storage import default_storage

    from secondop.lib.storage import new_key

    with path.open("rb") as file:
        key = default_storage.save(new_key("uploads"), File(file))
    os.sync()
    return key


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
    boundary = str(uuid4())  # as long as those of clients are
    head = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    bodies = [
        b"".join([head + file + b"\r\n" for file in files[at : at + BATCH]])
        + f"--{boundary}--\r\n".encode()
        for at in range(0, len(files), BATCH)
    ]
    kind = {"Content-Type": f'multipart/related; type="application/dicom"; boundary={boundary}'}
    where = urlsplit(url)
    line = http.client.HTTPConnection(where.hostname or "", where.port)
    begun = time.perf_counter()
    for body in bodies:
        line.request("POST", where.path, body, kind | JSON | {"Cookie": _cookie(session)})
        answer = line.getresponse()
        told = answer.read()
        assert answer.status == 200, told[:300]
    return time.perf_counter() - begun


def _cookie(session: requests.Session) -> str:
    return "; ".join(f"{name}={value}" for name, value in session.cookies.items())


def reads(
    side: str, base: str, session: requests.Session, keep: Any, count: int, ours: Ours
) -> None:
    study = session.get(base + "/studies", headers=JSON).json()[0]["0020000D"]["Value"][0]
    at = f"{base}/studies/{study}"
    series = session.get(at + "/series", headers=JSON).json()[0]["0020000E"]["Value"][0]
    at = f"{at}/series/{series}"

    def timed(url: str) -> tuple[Any, float]:
        begun = time.perf_counter()
        answer = session.get(url, headers=JSON, stream=True)
        raw = answer.raw.read(decode_content=False)
        taken = (time.perf_counter() - begun) * 1000
        assert answer.status_code == 200
        if answer.headers.get("Content-Encoding") == "gzip":
            raw = gzip.decompress(raw)
        return json.loads(raw), taken

    first, taken = timed(at + "/metadata")
    keep("series metadata, first request after a batch", side, taken)
    assert len(first) == count
    again, asked = [], []
    for _ in range(5):
        again.append(timed(at + "/metadata")[1])
        rows, taken = timed(at + "/instances")
        asked.append(taken)
    keep("series metadata, repeated", side, statistics.median(again))
    keep("QIDO instances of the series", side, statistics.median(asked))
    uids = [row["00080018"]["Value"][0] for row in rows]
    assert len(uids) == count
    urls = [f"{at}/instances/{uid}/frames/1" for uid in uids]
    keep("frames of 512 KiB, 1 connection, our server alone", side, rate(urls, session, 1))
    eight = rate(urls, session, 8)
    keep("frames of 512 KiB, 8 connections, our server alone", side, eight)
    by_proxy = "frames of 512 KiB, 8 connections, nginx X-Accel"
    if side == "orthanc":
        keep(by_proxy, side, eight)
    elif ours.has_proxy:
        proxied = [url.replace(f":{PORT}/", f":{PROXY}/") for url in urls]
        same = [session.get(each[0], headers=BARE).content for each in (urls, proxied)]
        assert same[0] == same[1]
        keep(by_proxy, side, rate(proxied, session, 8))
    small = f"{at}/thumbnail" if side == "ours" else f"{at}/instances/{uids[count // 2]}/rendered"
    keep("thumbnail of a series, 8 connections", side, rate([small], session, 8, "image/jpeg"))


def downloads(ours: Ours, theirs: str, keep: Any) -> None:
    """A whole study, through plain sockets: what a client does with it is not measured."""
    session = ours.session()
    study = session.get(ours.base() + "/studies", headers=JSON).json()[0]["0020000D"]["Value"][0]
    [orthancs] = requests.get(f"{theirs}/studies").json()
    at = f"{ours.base()}/studies/{study}"
    for name, mine, other in (
        ("study whole, multipart", at, f"{theirs}/dicom-web/studies/{study}"),
        ("study as ZIP", f"{at}?accept=application/zip", f"{theirs}/studies/{orthancs}/archive"),
    ):
        keep(name, "ours", speed(mine, session))
        keep(name, "orthanc", speed(other, requests.Session()))
    raw = io.BytesIO(session.get(at, params={"accept": "application/zip"}).content)
    assert zipfile.ZipFile(raw).testzip() is None


def speed(url: str, session: requests.Session) -> float:
    """MB/s of one body."""
    where = urlsplit(url)
    line = http.client.HTTPConnection(where.hostname or "", where.port)
    accept = 'multipart/related; type="application/dicom"; transfer-syntax=*'
    begun = time.perf_counter()
    line.request(
        "GET", f"{where.path}?{where.query}", headers={"Cookie": _cookie(session), "Accept": accept}
    )
    answer = line.getresponse()
    assert answer.status == 200, answer.read(300)
    size, buffer = 0, memoryview(bytearray(1024**2))
    while count := answer.readinto(buffer):
        size += count
    return size / 1e6 / (time.perf_counter() - begun)


def rate(urls: list[str], like: requests.Session, connections: int, accept: str = FRAMES) -> float:
    """Answers a second over 4 seconds; the client runs in processes of its own.

    `wrk` of the system's packages, where it is installed: 8 clients in Python take as much of two
    processors as the servers they ask.
    """
    least = 500_000 if accept == FRAMES else 500
    if wrk := shutil.which("wrk"):
        return rate_of_wrk(wrk, urls, like, connections, accept, least)
    order = {"urls": urls, "cookies": dict(like.cookies), "seconds": 4, "accept": accept,
             "least": least}  # fmt: skip
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


def rate_of_wrk(
    wrk: str, urls: list[str], like: requests.Session, connections: int, accept: str, least: int
) -> float:
    where = urlsplit(urls[0])
    paths = ",".join(f'"{urlsplit(url).path}"' for url in urls)
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(LUA % (paths, accept, _cookie(like)))
        script.flush()
        done = subprocess.run(
            [wrk, "-t1", f"-c{connections}", "-d4s", "-s", script.name, f"http://{where.netloc}/"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    told = json.loads(done.stdout.splitlines()[-1])
    assert not told["errors"] and told["bytes"] > least * told["count"], told
    return told["count"] / told["seconds"]


LUA = """
local paths, at = {%s}, 0
request = function()
  at = at %% #paths + 1
  return wrk.format("GET", paths[at], {["Accept"]=[[%s]], ["Cookie"]=[[%s]]})
end
done = function(summary, latency, requests)
  local e = summary.errors
  print(string.format('{"count":%%d,"bytes":%%d,"seconds":%%f,"errors":%%d}', summary.requests,
    summary.bytes, summary.duration / 1e6, e.connect + e.read + e.write + e.status + e.timeout))
end
"""
CLIENT = """
import http.client, json, sys, time, random
from urllib.parse import urlsplit
order = json.load(sys.stdin)
urls = order["urls"]; random.shuffle(urls)
where = urlsplit(urls[0])
line = http.client.HTTPConnection(where.hostname, where.port)
headers = {"Accept": order["accept"],
           "Cookie": "; ".join(f"{k}={v}" for k, v in order["cookies"].items())}
room = memoryview(bytearray(1024**2))
count, begun = 0, time.perf_counter()
while time.perf_counter() - begun < order["seconds"]:
    line.request("GET", urlsplit(urls[count % len(urls)]).path, headers=headers)
    answer = line.getresponse()
    size = 0
    while got := answer.readinto(room):
        size += got
    assert answer.status == 200 and size > order["least"], (answer.status, size)
    count += 1
print(count / (time.perf_counter() - begun))
"""


if __name__ == "__main__":
    main()
