"""Ten record holders at once through the web server: its memory, and nothing lost.

`make bench ARGS=holders`, or inside `deploy.local test`: `python -m bench.holders [megabytes]`.
Each sends one file of that size by tus and a folder of images by STOW-RS, all at the same time,
over a door of its own. To keep: the web process takes less than 10 MB for each sender beyond the
first, however large the files are; every file and image is there once and names its request.
"""

from __future__ import annotations

import http.client
import os
import signal
import sys
import threading
import time

from bench.upload import MEGABYTE, PIECE_BYTES, Memory, ask, free_port, start_web, wait_for

HOLDERS, IMAGES, IMAGE_SIDE = 10, 60, 512
TOKEN = "t" * 32


def main() -> None:
    megabytes = int(next((a for a in sys.argv[1:] if a.isdigit()), 64))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "secondop.settings")
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    doors = [a_door() for _ in range(HOLDERS + 1)]
    folders = [a_folder(number) for number in range(HOLDERS + 1)]
    port = free_port()
    web = start_web(port)
    try:
        wait_for(port)
        one = Memory(web.pid)
        one.start()
        send(port, doors[0][1], folders[0], 8)  # warm, and what a single sender takes
        one.stop()
        for size in (8, megabytes):
            measure(port, web.pid, doors[1:], folders[1:], size, max(one.samples))
        check(doors[1:], megabytes)
    finally:
        web.send_signal(signal.SIGTERM)
        web.wait(20)


def a_door() -> tuple[str, str]:
    """The id of a sent request, and the cookie of a browser that opened its link."""
    from django.conf import settings
    from django.http import HttpResponse

    from records import holder_links
    from tests.records import asking

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    record_request = asking.sent()
    opened = HttpResponse()
    holder_links.let_in(opened, asking.link_of(record_request))
    return str(record_request.pk), opened.cookies["door"].value


def a_folder(number: int) -> bytes:
    """A body of 512 x 512 slices, some 31 MB."""
    from tests.records.dicom import samples

    parts = []
    for slice_number in range(1, IMAGES + 1):
        one = samples.ct(
            slice_number, study=f"1.2.{number + 3}", series=f"1.2.{number + 3}.1", size=IMAGE_SIDE
        )
        parts += [
            b"--cut\r\nContent-Type: application/dicom\r\n\r\n",
            samples.as_bytes(one),
            b"\r\n",
        ]
    return b"".join([*parts, b"--cut--\r\n"])


def send(port: int, cookie: str, folder: bytes, megabytes: int) -> None:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    size = megabytes * MEGABYTE
    common = {"Tus-Resumable": "1.0.0", "Cookie": f"door={cookie}; csrf={TOKEN}",
              "X-CSRFToken": TOKEN}  # fmt: skip
    told = {"Upload-Length": str(size), "Content-Length": "0"}
    place = ask(line, "POST", "/door/files/", common | told)["Location"]
    patch = {"Content-Type": "application/offset+octet-stream"}
    for offset in range(0, size, PIECE_BYTES):
        piece = os.urandom(min(PIECE_BYTES, size - offset))
        ask(line, "PATCH", place, common | patch | {"Upload-Offset": str(offset)}, piece)
    kind = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=cut'}
    ask(line, "POST", "/door/images/studies", common | kind, folder)
    line.close()


def measure(port, pid, doors, folders, megabytes, alone) -> None:  # type: ignore[no-untyped-def]
    memory = Memory(pid)
    memory.start()
    began = time.perf_counter()
    senders = [
        threading.Thread(target=send, args=(port, cookie, folder, megabytes))
        for (_pk, cookie), folder in zip(doors, folders, strict=True)
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    seconds = time.perf_counter() - began
    memory.stop()
    total = HOLDERS * megabytes + sum(map(len, folders)) / MEGABYTE
    most = max(memory.samples)
    print(
        f"{HOLDERS} holders, {megabytes} MB and {IMAGES} images each: {total:.0f} MB in "
        f"{seconds:.1f} s; web {memory.samples[0]:.0f} MB before, {most:.0f} MB at most; "
        f"one sender {alone:.0f} MB; grew by {most - alone:.0f} MB ({len(memory.samples)} samples)",
        flush=True,
    )


def check(doors: list[tuple[str, str]], megabytes: int) -> None:
    """Every file once, every image once (it was sent twice), each naming its request."""
    from records.models import Document, ImagingInstance, RecordRequest

    for pk, _cookie in doors:
        sizes = Document.objects.filter(record_request=pk).values_list("size_bytes", flat=True)
        assert sorted(sizes) == sorted([8 * MEGABYTE, megabytes * MEGABYTE]), list(sizes)
        images = ImagingInstance.objects.filter(pack__record_request=pk)
        assert images.count() == IMAGES, images.count()
        assert RecordRequest.objects.get(pk=pk).status == "partly_received"
    print(f"checked: {len(doors)} doors, 2 files and {IMAGES} images each, none lost, none doubled")


if __name__ == "__main__":
    main()
