"""A folder of 3,000 images from a real browser through a line that is cut five times, and a reload.

`make bench ARGS=imaging_upload`, or inside `deploy.local test`: `python -m bench.imaging_upload
[files] [kilobytes]`. The line is a TCP relay between Chromium and the server that drops every
connection in the middle of what is being sent, and answers nobody for a second. To keep: as many
instances as files, none twice, and less than one batch of 50 sent again for each cut.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench.upload import MEGABYTE, Memory, free_port, somebody, start_web, wait_for

AWAY_SECONDS = 1.0
CUTS = 5


class Relay(threading.Thread):
    """Passes bytes on from one port to another until it is told to cut."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.target, self.open, self.sent_bytes, self.away_until = port, set[Any](), 0, 0.0
        self.cut_at: list[int] = []
        self.cuts = 0
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.server.getsockname()[1])

    def run(self) -> None:
        while True:
            line, _address = self.server.accept()
            if time.monotonic() < self.away_until:
                line.close()
                continue
            onward = socket.create_connection(("127.0.0.1", self.target))
            self.open |= {line, onward}
            for pair in ((line, onward, True), (onward, line, False)):
                threading.Thread(target=self._pass_on, args=pair, daemon=True).start()

    def _pass_on(self, source: Any, target: Any, up: bool) -> None:
        with suppress(OSError):
            while block := source.recv(65536):
                self.sent_bytes += len(block) if up else 0
                if up and self.cut_at and self.sent_bytes >= self.cut_at[0]:
                    self.cut_at.pop(0)
                    self.cut()
                target.sendall(block)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        self.cuts += 1
        self.away_until = time.monotonic() + AWAY_SECONDS
        for end in list(self.open):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
                end.close()
        self.open.clear()


def main() -> None:
    files, kilobytes = (
        [int(a) for a in sys.argv[1:] if a.isdigit()] + [3000, 60][len(sys.argv[1:]) :]
    )[:2]
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not chromium:
        raise SystemExit("This measurement needs Chromium: install it, or set CHROMIUM.")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "secondop.settings")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # the browser's library keeps a loop running
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    port = free_port()
    web = start_web(port)
    try:
        wait_for(port)
        session, case_file = somebody()
        with tempfile.TemporaryDirectory() as folder:
            whole = make_files(Path(folder), files, kilobytes)
            relay = Relay(port)
            relay.cut_at = [whole * (2 * n + 1) // (2 * CUTS + 2) for n in range(CUTS)]
            relay.start()
            memory = Memory(web.pid)
            memory.start()
            told = drive(chromium, relay, session, case_file, Path(folder))
            memory.stop()
        report(files, whole, relay, memory, told, case_file)
    finally:
        web.send_signal(signal.SIGTERM)
        web.wait(20)


def make_files(folder: Path, count: int, kilobytes: int) -> int:
    """Slices that differ in number alone, and what stands beside them on a disc. Returns bytes."""
    from tests.records.dicom.samples import as_bytes, ct

    one = ct(1, size=int((kilobytes * 512) ** 0.5))
    one.SOPInstanceUID = "1.2.3.4.5." + "7" * 10
    body = as_bytes(one)
    for number in range(count):
        uid = f"1.2.3.4.5.{7_000_000_000 + number}".encode()
        place = folder / "DICOM" / f"S{number // 500}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"IM{number:05}").write_bytes(body.replace(b"1.2.3.4.5.7777777777", uid))
    (folder / "AUTORUN.INF").write_bytes(b"[autorun]")
    return count * len(body)


def drive(
    chromium: str, relay: Relay, session: str, case_file: str, folder: Path
) -> dict[str, float]:
    """Send the folder; leave the page after the third cut and come back to it."""
    from playwright.sync_api import sync_playwright

    site = f"http://localhost:{relay.port}"
    told: dict[str, float] = {}
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        context = browser.new_context(locale="en-US")
        context.add_cookies([{"name": "session", "value": session, "url": site}])
        page = context.new_page()
        page.on("dialog", lambda dialog: dialog.accept())
        began = time.perf_counter()
        for is_last in (False, True):
            page.goto(f"{site}/records/case-files/{case_file}/images/add/")
            page.wait_for_selector("[data-images][data-ready]")
            looked = time.perf_counter()
            page.set_input_files("#images-folder", str(folder))
            page.wait_for_selector("[data-images][data-step=found]", timeout=120_000)
            told["looked"] = time.perf_counter() - looked
            page.wait_for_timeout(1200)  # a cut may have been the last thing before the reload
            page.get_by_role("button", name="Send").click()
            if not is_last:
                while relay.cuts < 3:
                    page.wait_for_timeout(20)
                page.wait_for_timeout(2500)
                continue
            page.wait_for_selector("[data-images-done] h2:visible", timeout=300_000)
        told["seconds"] = time.perf_counter() - began
        told["page_mb"] = page.evaluate("performance.memory.usedJSHeapSize") / MEGABYTE
        browser.close()
    return told


def report(
    files: int, whole: int, relay: Relay, memory: Memory, told: dict[str, float], case_file: str
) -> None:
    from records.models import ImagingInstance

    rows = ImagingInstance.objects.filter(case_file=case_file).values_list("SOPInstanceUID")
    here, distinct = rows.count(), rows.distinct().count()
    again = (relay.sent_bytes - whole) / MEGABYTE
    print(f"{files} images of {whole // files // 1024} KB, {relay.cuts} cuts and a reload")
    print(f"instances here            {here:8} ({distinct} distinct)")
    print(
        f"looking at the folder     {told['looked']:8.1f} s, {files / told['looked']:.0f} files/s"
    )
    print(f"all of it                 {told['seconds']:8.1f} s")
    print(f"sent more than the images {again:8.1f} MB of {whole / MEGABYTE:.0f} MB")
    print(f"memory: page's scripts    {told['page_mb']:8.0f} MB")
    print(
        f"memory: web process       {max(memory.samples):8.0f} MB ({memory.samples[0]:.0f} before)"
    )
    if not here == distinct == files or relay.cuts < CUTS:
        raise SystemExit("not every image is here exactly once, or the line was not cut")


if __name__ == "__main__":
    main()
