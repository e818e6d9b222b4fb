"""One scan of hundreds of pages through the search for giveaways: time, memory, progress.

`make bench ARGS="scan 400"`. Typed pages as a scanner makes them (200 dpi, JPEG), without a text
layer; the original diagnosis stands on the first, the middle and the last page. The job runs as a
worker runs it, while a second thread looks at its row every two seconds, as the desk would.
"""

from __future__ import annotations

import hashlib
import io
import os
import resource
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any

DPI = 200
WORDS = "infiltrating ductal carcinoma"


def main(words: list[str] | None = None) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "secondop.settings")
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    words = sys.argv[1:] if words is None else words
    pages = int(words[0]) if words else 400
    planted = sorted({1, pages // 2, pages})
    content = scan_of(pages, planted)
    print(f"{pages} pages, {len(content) / 1024**2:.0f} MB, planted on {planted}", flush=True)
    search = asked(content, pages)
    watch = Watch(search.pk)
    watch.start()
    began, busy = time.monotonic(), processor_seconds()
    from records.tasks import search_item

    search_item(str(search.pk))
    took, busy = time.monotonic() - began, processor_seconds() - busy
    watch.stop()
    return report(search, pages, planted, took=took, busy=busy, watch=watch)


def scan_of(pages: int, planted: list[int]) -> bytes:
    """A PDF of pictures, each page another letter."""
    import pikepdf

    from bench.leaks.pdfs import neutral
    from bench.leaks.scans import page_picture

    pdf = pikepdf.Pdf.new()
    for number in range(1, pages + 1):
        said = [f"Impression: {WORDS}."] if number in planted else []
        lines = [f"Page {number}", *(neutral(number) + neutral(number + 1)), *said]
        picture = page_picture(lines, seed=number, dpi=DPI, skew=0.4 * (number % 3 - 1), noise=20)
        jpeg = io.BytesIO()
        picture.save(jpeg, "JPEG", quality=60)
        image = pdf.make_stream(
            jpeg.getvalue(), Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Image,
            Width=picture.width, Height=picture.height, BitsPerComponent=8,
            ColorSpace=pikepdf.Name.DeviceGray, Filter=pikepdf.Name.DCTDecode,
        )  # fmt: skip
        page = pdf.add_blank_page(page_size=(595, 842))
        page.obj.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(P=image))
        page.obj.Contents = pdf.make_stream(b"595 0 0 842 0 0 cm /P Do")
    out = io.BytesIO()
    pdf.save(out)
    return out.getvalue()


def asked(content: bytes, pages: int) -> Any:
    """A stored document whose search was asked for, as after screening."""
    from django.core.files.base import ContentFile
    from django.core.files.storage import default_storage
    from django.db import transaction

    from records.models import BlindingSearch, CaseFile, Document, OriginalDiagnosis, Patient
    from secondop.accounts.models import Clinic, User
    from secondop.lib.storage import new_key

    with transaction.atomic():
        clinic = Clinic.objects.create(name="Bench")
        sender = User.objects.create(email=f"bench-{time.time_ns()}@example.org")
        patient = Patient.objects.create(clinic=clinic, full_name="Rosalind Achterberg")
        case_file = CaseFile.objects.create(clinic=clinic, patient=patient)
        OriginalDiagnosis.objects.create(case_file=case_file, clinic=clinic, diagnosis=WORDS)
        document = Document.objects.create(
            clinic=clinic, case_file=case_file, by=sender, status="available", kind="letter",
            size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest(), page_count=pages,
            key=default_storage.save(new_key("documents"), ContentFile(content)),
            media_type="application/pdf",
        )  # fmt: skip
        return BlindingSearch.objects.create(
            clinic_id=clinic.pk, case_file=case_file, about_type="document", about_id=document.pk
        )


def processor_seconds() -> float:
    """Of this process and of every child that has ended: the guarded readers and tesseract."""
    used = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


@dataclass
class Watch:
    """What the desk would see of the job while it runs."""

    pk: Any
    seen: list[tuple[int, int]] = field(default_factory=list)
    overdue: int = 0  # looks at which another worker could have taken the job away
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: Any = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        from django.db import connection

        from records.models import BlindingSearch

        while not self._ended.wait(2):
            row = BlindingSearch.objects.get(pk=self.pk)
            if not self.seen or self.seen[-1][0] != row.done_count:
                self.seen.append((row.done_count, row.total_count))
                if row.done_count % 40 == 0:
                    print(f"  {row.done_count} of {row.total_count} pages", flush=True)
            if row.status == "running":
                self.overdue += BlindingSearch.objects.due().filter(pk=self.pk).count()
        connection.close()


def report(
    search: Any, pages: int, planted: list[int], *, took: float, busy: float, watch: Watch
) -> int:  # fmt: skip
    from records.models import BlindingHit

    search.refresh_from_db()
    hits = BlindingHit.objects.of("document", search.about_id)
    found = sorted(set(hits.values_list("page", flat=True)))
    own, child = (resource.getrusage(w).ru_maxrss / 1024
                  for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))  # fmt: skip
    print(f"job: {search.status}, attempts {search.attempts}, {search.last_error or 'no error'}")
    print(f"wall {took:.0f} s, processor {busy:.0f} s, {took / pages:.2f} s and "
          f"{busy / pages:.2f} processor s a page")  # fmt: skip
    print(f"peak memory: worker {own:.0f} MB, largest child {child:.0f} MB")
    print(f"progress: {len(watch.seen)} different counts seen, the last {watch.seen[-1:]}; "
          f"{watch.overdue} looks at which the job was overdue")  # fmt: skip
    print(f"planted on {planted}, found on {found}; poorly read: {search.is_poorly_read} "
          f"{search.poor_reason} {search.poor_pages[:20]}")  # fmt: skip
    return 0 if search.status == "done" and found == planted else 1


if __name__ == "__main__":
    raise SystemExit(main())
