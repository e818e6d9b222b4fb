"""Time to the first image in OHIF, ours against Orthanc: `python -m bench.imaging.ohif STUDY_DIR`.

Run it inside `deploy.local test`. The same page of ours, with the same program in the browser's
cache, is opened at two doors (nginx). Behind one everything is ours; behind the other the DICOMweb
addresses of the case file are Orthanc's. Doors alternate (ROUNDS=5); a figure is the median, a
ratio the median of those of each round. The browser has opened the viewer a few times before, so
it keeps the program compiled. The clock runs from navigation to grey values on canvas.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests

from bench.imaging import orthanc
from bench.imaging.ours import Ours, _wait, _web

ROUNDS = int(os.environ.get("ROUNDS", "5"))
FILLING = 3  # rounds not counted, after which a browser keeps the program compiled
ORTHANC, WEB, DOORS = 18052, 18053, {"ours": 18056, "Orthanc": 18057}
LINES = {"loopback": None, "20 Mbit/s, 20 ms": 20_000_000 / 8}
CONF = """
daemon off; {user} worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
    uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
    proxy_http_version 1.1; proxy_set_header Host $http_host; proxy_set_header Connection "";
    upstream ours {{ server 127.0.0.1:{ours}; keepalive 16; }}
    upstream theirs {{ server 127.0.0.1:{theirs}; keepalive 16; }}
    server {{ listen 127.0.0.1:{door}; location / {{ proxy_pass http://ours; }} }}
    server {{
        listen 127.0.0.1:{other_door};
        location / {{ proxy_pass http://ours; }}
        location {root}/ {{ proxy_pass http://theirs/dicom-web/; }}
    }}
}}
"""
WATCH = """(() => {
  const look = setInterval(() => {
    const canvas = document.querySelector('canvas.cornerstone-canvas');
    if (!canvas || !canvas.width) return;
    const x = canvas.width / 2 - 64, y = canvas.height / 2 - 64;
    const data = canvas.getContext('2d').getImageData(x, y, 128, 128).data;
    const seen = new Set();
    for (let at = 0; at < data.length; at += 4) seen.add(data[at]);
    if (seen.size > 20) { window.firstImage = performance.now(); clearInterval(look); }
  }, 25);
})()"""
TIMES = """() => {
  const all = performance.getEntriesByType('resource');
  const took = (end) => (all.find((one) => one.name.endsWith(end)) || {duration: 0}).duration;
  return [window.firstImage, took('/metadata'), took('/frames/1')];
}"""
PARTS = ("first image", "of which series metadata", "of which first frame")
Results = dict[tuple[str, str], dict[str, list[float]]]


def main() -> None:
    folder = Path(sys.argv[1])
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    files = [path.read_bytes() for path in sorted(folder.iterdir())]
    with orthanc.running(ORTHANC) as theirs, _web(WEB, {}) as web:
        ours = Ours([web])
        _fill(ours, theirs, files)
        root = f"/case-files/{ours.case_file.pk}/dicom-web"
        with _doors(root):
            table(_measure(f"/viewer/{ours.case_file.pk}/", ours.cookie["session"]))


def _fill(ours: Ours, theirs: str, files: list[bytes]) -> None:
    from tests.records.dicom.samples import store

    for start in range(0, len(files), 50):
        store(ours.case_file, *files[start : start + 50])
    for file in files:
        requests.post(f"{theirs}/instances", data=file, timeout=60).raise_for_status()
    told = [
        ours.session().get(f"{ours.base(WEB)}/instances?limit=1000", timeout=60).json(),
        requests.get(f"{theirs}/dicom-web/instances?limit=1000", timeout=60).json(),
    ]
    assert [len(rows) for rows in told] == [len(files)] * 2, "not the same study on both"


@contextmanager
def _doors(root: str) -> Iterator[None]:
    with TemporaryDirectory(prefix="bench-ohif-") as folder:
        Path(folder).chmod(0o755)
        user = "user root;" if os.geteuid() == 0 else ""
        conf = CONF.format(folder=folder, user=user, ours=WEB, theirs=ORTHANC, root=root,
                           door=DOORS["ours"], other_door=DOORS["Orthanc"])  # fmt: skip
        (Path(folder) / "nginx.conf").write_text(conf)
        process = subprocess.Popen(["nginx", "-c", f"{folder}/nginx.conf", "-e", "stderr"])
        try:
            for port in DOORS.values():
                _wait(f"http://127.0.0.1:{port}/livez")
            yield
        finally:
            process.terminate()
            process.wait()


def _measure(path: str, session: str) -> Results:
    from playwright.sync_api import sync_playwright

    results: Results = defaultdict(lambda: defaultdict(list))
    with sync_playwright() as play, TemporaryDirectory(prefix="bench-ohif-browser-") as profile:
        chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
        context = play.chromium.launch_persistent_context(  # a private window compiles anew
            profile, executable_path=chromium, args=["--no-sandbox"],
            viewport={"width": 1280, "height": 900},
        )  # fmt: skip
        url = f"http://127.0.0.1:{DOORS['ours']}"
        context.add_cookies([{"name": "session", "value": session, "url": url}])
        context.add_init_script(WATCH)
        for number in range(1 - FILLING, ROUNDS + 1):
            for line, speed in LINES.items():
                for who in list(DOORS)[:: 1 if number % 2 else -1]:
                    times = _open(context, DOORS[who], path, speed)
                    for part, took in zip(PARTS, times, strict=True):
                        if number > 0:
                            results[line, part][who].append(took)
                    print(f"  {number} {line} {who} {times[0]:.0f} ms", flush=True)
        context.close()
    return results


def _open(context: Any, port: int, path: str, speed: float | None) -> list[float]:
    page = context.new_page()
    if speed:
        client = context.new_cdp_session(page)
        client.send("Network.enable")
        client.send("Network.emulateNetworkConditions", {
            "offline": False, "latency": 20, "downloadThroughput": speed,
            "uploadThroughput": speed})  # fmt: skip
    page.goto(f"http://127.0.0.1:{port}{path}")
    page.wait_for_function("() => window.firstImage", timeout=120_000)
    times: list[float] = page.evaluate(TIMES)
    page.close()
    return times


def table(results: Results) -> None:
    print("\n| | ours, ms | Orthanc, ms | ours / Orthanc | range |")
    print("|---|---|---|---|---|")
    for (line, part), by in results.items():
        ratios = [one / other for one, other in zip(by["ours"], by["Orthanc"], strict=True)]
        ours, theirs = statistics.median(by["ours"]), statistics.median(by["Orthanc"])
        print(f"| {part}, {line} | {ours:,.0f} | {theirs:,.0f} | {statistics.median(ratios):.2f} "
              f"| {min(ratios):.2f}-{max(ratios):.2f} |")  # fmt: skip


if __name__ == "__main__":
    main()
