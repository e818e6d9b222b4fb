"""One study from Orthanc into a case file, and to dcmtk's storescp: `transfers STUDY_DIR`.

STUDY_DIR holds one study of DICOM files, such as `make_study.py ct` writes. Each round moves it
by DICOMweb, by C-GET and by C-MOVE to our receiver, and has movescu move it to storescp; the order
turns from round to round (ROUNDS=3). Ours ends with rows that say where each frame stands, dcmtk's
with files in a folder. A figure is the median of its rounds, a ratio that of each round's ratios.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).parents[1]
ROUNDS = int(os.environ.get("ROUNDS", "3"))
DCMTK = "dcmtk: movescu, storescp"
# storescp answers 40 ms late, unless it is told not to wait until its answer fills a packet.
QUICK = DCMTK + " with TCP_NODELAY=1"
# What a worker does, in a fresh process, so that its memory is its own.
WORK = """
import django, json, sys, time
django.setup()
from records.models import Transfer
from records.tasks import run_transfer
begun = time.perf_counter()
run_transfer(sys.argv[1])
taken = time.perf_counter() - begun
row = Transfer.objects.get(pk=sys.argv[1])
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({"seconds": taken, "mb": int(peak) / 1024, "status": row.status,
                  "error": row.last_error, "count": row.done_count}))
"""


def main() -> None:
    files = [path.read_bytes() for path in sorted(Path(sys.argv[1]).iterdir())]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
    from django.core.management import call_command

    from tests.records.peers import a_free_port, orthanc

    call_command("migrate", verbosity=0)
    ours, theirs = a_free_port(), a_free_port()
    taken: dict[str, list[float]] = defaultdict(list)
    peaks: dict[str, float] = defaultdict(float)
    with orthanc(our_port=ours, dcmtk_port=theirs) as there, receiver(ours) as receiving:
        there.put(*files)
        print(f"{len(files)} objects, {sum(map(len, files)) / 1e6:.0f} MB", flush=True)
        uid = requests.get(f"{there.http}/studies?expand", timeout=20).json()[0]
        uid = uid["MainDicomTags"]["StudyInstanceUID"]
        ways: dict[str, Callable[[], tuple[float, float]]] = {
            DCMTK: lambda: by_dcmtk(there, uid, theirs, len(files)),
            QUICK: lambda: by_dcmtk(there, uid, theirs, len(files), TCP_NODELAY="1"),
            "DICOMweb": lambda: by_us(there, uid, len(files), "dicomweb"),
            "C-GET": lambda: by_us(there, uid, len(files), "dimse", fetch="get"),
            "C-MOVE": lambda: by_us(there, uid, len(files), "dimse", fetch="move"),
        }
        for number in range(ROUNDS):
            names = list(ways)
            for name in names[number % len(names) :] + names[: number % len(names)]:
                seconds, peak = ways[name]()
                taken[name].append(seconds)
                peaks[name] = max(peaks[name], peak)
                print(f"round {number + 1}: {name}: {seconds:.2f} s", flush=True)
        show(taken, peaks, len(files))
        print(f"Receiver, largest resident: {peak_mb(receiving.pid):.0f} MB")


def show(taken: dict[str, list[float]], peaks: dict[str, float], count: int) -> None:
    print("| way | seconds | instances/s | times dcmtk's seconds | times quick dcmtk's | MB |")
    print("|---|---|---|---|---|---|")
    for name, each in taken.items():
        middle = statistics.median(each)
        ratio, quick = against(each, taken[DCMTK]), against(each, taken[QUICK])
        memory = f"{peaks[name]:.0f}" if peaks[name] else "-"
        print(f"| {name} | {middle:.2f} | {count / middle:.0f} | {ratio} | {quick} | {memory} |")


def against(ours: list[float], theirs: list[float]) -> str:
    ratios = sorted(one / other for one, other in zip(ours, theirs, strict=True))
    return f"{statistics.median(ratios):.1f} ({ratios[0]:.1f}-{ratios[-1]:.1f})"


def by_us(there: Any, uid: str, count: int, kind: str, **more: Any) -> tuple[float, float]:
    """Seconds and MB of the run of one transfer into an empty case file."""
    from records.models import ImagingInstance, ImagingStudy, Peer
    from tests.records.dicom.samples import a_case_file
    from tests.records.moving import a_transfer

    Peer.objects.update(their_ae="RETIRED")
    case_file = a_case_file()
    patient = case_file.patient  # the person of `make_study.py`: a stranger's study would be held
    patient.full_name, patient.born_on = "Casey Greaves", date(1961, 2, 3)
    patient.save()
    peer = there.peer(case_file.clinic, kind, **more)
    transfer = a_transfer(peer, case_file, step="copy")
    transfer.studies.create(clinic=case_file.clinic, StudyInstanceUID=uid, is_chosen=True)
    order = [sys.executable, "-c", WORK, str(transfer.pk)]
    done = subprocess.run(order, capture_output=True, text=True, check=True, cwd=ROOT)
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told["status"], told["count"]) == ("done", count), told
    assert ImagingInstance.objects.filter(case_file=case_file).count() == count
    assert ImagingStudy.objects.get(case_file=case_file).status == "available"
    return told["seconds"], told["mb"]


def by_dcmtk(there: Any, uid: str, port: int, count: int, **more: str) -> tuple[float, float]:
    from tests.records.peers import dcmtk

    with tempfile.TemporaryDirectory(prefix="bench-storescp-") as folder:
        order = [dcmtk("storescp"), "-aet", "DCMTK", "+B", "-od", folder, str(port)]
        with child(order, port, **more):
            ask = [dcmtk("movescu"), "-S", "-aet", "DCMTK", "-aec", "ORTHANC", "-aem", "DCMTK",
                   "-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={uid}",
                   "127.0.0.1", str(there.dicom_port)]  # fmt: skip
            begun = time.perf_counter()
            subprocess.run(ask, check=True, capture_output=True)
            taken = time.perf_counter() - begun
            assert len(list(Path(folder).iterdir())) == count
    return taken, 0


def receiver(port: int) -> Any:
    order = [sys.executable, "manage.py", "dicom_receiver", "--port", str(port)]
    return child(order, port)


@contextmanager
def child(order: list[str], port: int, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that listens on this port."""
    process = subprocess.Popen(order, cwd=ROOT, stdout=subprocess.DEVNULL, env=os.environ | more)
    try:
        deadline = time.monotonic() + 30
        while not _listens(port) and time.monotonic() < deadline:
            time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        process.wait()


def _listens(port: int) -> bool:
    """Without a connection, which a receiver would have to answer."""
    rows = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return any(row.split()[1].endswith(f":{port:04X}") and row.split()[3] == "0A" for row in rows)


def peak_mb(pid: int) -> float:
    told = Path(f"/proc/{pid}/status").read_text().split("VmHWM:")[1]
    return int(told.split()[0]) / 1024


if __name__ == "__main__":
    main()
