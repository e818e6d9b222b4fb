"""Every received file ends as available, held, set aside or rejected with a sentence."""

from __future__ import annotations

import csv
import io
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from PIL import Image

from records import screening
from records.guard import Refusal, run_guarded
from records.models import Document, ImagingIngest, Screening
from records.problems import PROBLEMS
from records.tasks import screen
from secondop.audit.models import AuditEvent
from secondop.notifications.models import Notification
from tests import factories
from tests.records import files
from tests.records.ready import received, screened

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "data"


def page_of(document: Document, number: int = 1) -> Image.Image:
    return Image.open(io.BytesIO(files.stored(document.pages.get(number=number).key)))


@pytest.mark.django_db
class TestAccepted:
    def test_a_pdf_gets_pictures_and_text_and_stays_as_it_was(self):
        content = files.pdf(3, text="Biopsy of the left breast")
        document = screened(content)
        assert (document.status, document.page_count) == ("available", 3)
        assert document.media_type == "application/pdf"
        assert document.findings["antivirus"] == "not scanned"
        page = document.pages.get(number=2)
        assert "Biopsy of the left breast, page 2" in page.text
        assert (page.width, page.media_type) == (1400, "image/png")
        assert page.size_bytes == len(files.stored(page.key))
        assert files.stored(document.key) == content
        assert document.screening.status == "done"

    def test_many_pages_are_made_in_batches_with_progress(self):
        document = screened(files.pdf(19))
        assert list(document.pages.order_by("number").values_list("number", flat=True)) == list(
            range(1, 20)
        )
        job = document.screening
        assert (job.done_count, job.total_count, job.unit) == (19, 19, "pages")

    @pytest.mark.parametrize(
        ("kind", "mode", "options"),
        [
            ("PNG", "RGB", {}),
            ("PNG", "RGBA", {}),
            ("PNG", "L", {}),
            ("PNG", "1", {}),
            ("PNG", "I;16", {}),
            ("TIFF", "I;16", {}),
            ("TIFF", "L", {"compression": "tiff_lzw"}),
            ("TIFF", "1", {"compression": "group4"}),
            ("JPEG", "RGB", {}),
            ("JPEG", "CMYK", {}),
            ("WEBP", "RGB", {}),
        ],
    )
    def test_pictures_of_many_kinds_are_shown(self, kind, mode, options):
        document = screened(files.picture(kind, mode, **options), name="photo.bin")
        assert (document.status, document.page_count) == ("available", 1)
        shown = page_of(document).convert("L")
        assert shown.size == (300, 200)
        assert shown.getpixel((20, 20)) < 130
        assert shown.getpixel((280, 180)) > 240

    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_a_phone_photo_stands_upright_and_keeps_no_data(self, orientation, tmp_path):
        back = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}[orientation]
        upright = Image.open(io.BytesIO(files.picture("PNG")))
        stored = upright.transpose(back) if back is not None else upright
        exif = Image.Exif()
        exif[0x0112] = orientation
        exif[0x010F] = "SECRET CAMERA"
        out = io.BytesIO()
        stored.save(out, "JPEG", exif=exif.tobytes(), quality=95)
        photo = tmp_path / "photo"
        photo.write_bytes(out.getvalue())
        made = "records.foreign_pages:pages"
        [page] = run_guarded(made, str(photo), "image/jpeg", 1, 1, str(tmp_path))
        with Image.open(tmp_path / page["file"]) as shown:
            assert shown.size == (300, 200)
            red, green, _blue = shown.convert("RGB").getpixel((20, 20))
        assert red > 200 > 80 > green
        assert b"SECRET" not in (tmp_path / page["file"]).read_bytes()

    def test_every_page_of_a_fax_is_shown(self):
        sheets = [Image.new("1", (600, 800), n % 2) for n in range(10)]
        out = io.BytesIO()
        sheets[0].save(out, "TIFF", save_all=True, append_images=sheets[1:])
        assert screened(out.getvalue(), name="fax.tif").pages.count() == 10

    def test_a_picture_of_seventy_megapixels_fits_into_the_child(self):
        document = screened(files.picture("PNG", "RGBA", (9_000, 8_000)))
        assert document.status == "available"
        assert document.pages.get().width == 2000

    def test_plain_text_is_laid_out_in_sheets(self):
        document = screened(("Hämoglobin 12,1 g/dl\n" * 130).encode(), name="lab.txt")
        assert (document.media_type, document.page_count) == ("text/plain", 3)
        assert document.pages.get(number=1).text.startswith("Hämoglobin 12,1")

    @pytest.mark.parametrize(
        ("content", "media_type"),
        [(files.CDA, "application/cda+xml"), (files.FHIR, "application/fhir+json")],
    )
    def test_records_for_computers_are_kept_without_pages(self, content, media_type):
        document = screened(content)
        assert (document.status, document.media_type) == ("available", media_type)
        assert not document.pages.exists()

    def test_active_content_is_noted_and_none_of_it_reaches_the_pages(self):
        document = screened(files.active_pdf())
        assert document.status == "available"
        assert {"script", "launch", "attachment"} <= set(document.findings["active"])
        assert page_of(document).format in ("PNG", "WEBP")

    def test_a_damaged_pdf_that_can_be_repaired_is_taken_and_said_so(self):
        document = screened(files.broken_pdf())
        assert (document.status, document.page_count) == ("available", 2)
        assert document.findings["repaired"] is True

    @pytest.mark.parametrize(("content", "kind"), [(files.DICOM, "dicom"), (files.ZIP, "zip")])
    def test_scans_and_zips_are_handed_to_the_job_that_unpacks_them(self, content, kind):
        document = screened(content, name="scan")
        assert (document.status, document.media_type) == ("removed", f"application/{kind}")
        job = ImagingIngest.objects.get(pk=document.findings["unpacked"])
        assert document.key == ""
        assert files.stored(job.key) == content


REFUSED = [
    ("a program renamed to PDF", files.PROGRAM, "program"),
    ("a PDF with a password", files.locked_pdf(), "password"),
    ("half a PDF header", b"%PDF-1.7\n%nothing follows", "damaged"),
    ("a picture cut short", files.picture(size=(900, 900))[:400], "damaged"),
    ("a flood of pixels", files.flood_png(), "too_many_pixels"),
    ("a web page named .jpg", files.HTML, "web_page"),
    ("a drawing with code", files.SVG, "web_page"),
    ("XML that reads files", files.XXE, "unsafe_xml"),
    ("XML of 5,000 levels", files.DEEP_XML, "too_complex"),
    ("JSON of 100,000 levels", b'{"a":' + b"[" * 100_000, "too_complex"),
    ("a HEIC photo", files.HEIC, "heic"),
    ("a Word document", files.DOCX, "office"),
    ("a gzip", b"\x1f\x8b" + bytes(99), "packed"),
    ("nobody knows what", bytes(range(256)) * 9, "unknown"),
    ("JSON of no kind we know", b'{"hello": 1}', "unknown"),
    ("an ELF with a PDF behind it", b"\x7fELF" + bytes(60) + files.pdf(), "program"),
]


@pytest.mark.django_db
class TestRefused:
    @pytest.mark.parametrize(("what", "content", "problem"), REFUSED, ids=[r[0] for r in REFUSED])
    def test_it_gets_a_sentence_that_says_what_to_do(self, what, content, problem):
        document = screened(content)
        assert (document.status, document.problem) == ("rejected", problem)
        assert PROBLEMS[problem].what
        assert PROBLEMS[problem].do
        assert document.screening.status == "done"
        told = Notification.objects.get(message="file_problem")
        assert told.to == document.by
        assert AuditEvent.objects.filter(verb="document.screened", about_id=document.pk).exists()

    def test_a_bomb_costs_a_child_and_not_the_worker(self):
        content = files.bomb_pdf()
        assert len(content) < 8 * 1024**2
        document = screened(content)
        assert (document.status, document.problem) == ("rejected", "too_complex")

    def test_one_bad_page_does_not_cost_the_others(self):
        import pikepdf

        made = pikepdf.open(io.BytesIO(files.bomb_pdf()))
        good = pikepdf.open(io.BytesIO(files.pdf(2)))
        made.pages.extend(good.pages)
        out = io.BytesIO()
        made.save(out, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.none)
        document = screened(out.getvalue())
        assert document.status == "available"
        assert document.findings["pages_without_picture"] == [1]
        assert list(document.pages.values_list("number", flat=True)) == [2, 3]

    def test_the_same_file_twice_is_named(self):
        opinion_request = factories.draft()
        content = files.pdf()
        first = screened(content, opinion_request, name="letter.pdf")
        second = screened(content, opinion_request, name="copy.pdf")
        assert first.status == "available"
        assert (second.status, second.problem) == ("rejected", "duplicate")
        assert second.findings["same_as"] == str(first.pk)

    def test_the_same_file_in_another_case_file_is_nobodys_business(self):
        content = files.pdf()
        screened(content)
        assert screened(content).status == "available"

    def test_a_file_that_changed_on_its_way_is_not_taken(self):
        document = screened(files.pdf(), sent_sha256="0" * 64)
        assert (document.status, document.problem) == ("rejected", "changed")

    def test_a_file_removed_meanwhile_is_left_alone(self):
        from records import workflow

        document = received(files.pdf())
        workflow.remove(document, by=document.by)
        screen(str(document.screening.pk))
        document.refresh_from_db()
        assert document.status == "removed"
        assert Screening.objects.get().status == "done"


@pytest.mark.django_db
class TestAgain:
    def test_a_second_run_changes_nothing(self):
        document = screened(files.pdf(2))
        before = (document.status_since, document.pages.count())
        screen(str(document.screening.pk))
        document.refresh_from_db()
        assert (document.status_since, document.pages.count()) == before

    def test_a_worker_killed_among_the_pages_goes_on_with_the_next(self, monkeypatch):
        document = received(files.pdf(20))
        make, batches = screening._make_pages, []

        def die_at_the_second(look, first, count):
            batches.append(first)
            if len(batches) == 2:
                raise SystemExit  # nothing of ours runs after a kill
            return make(look, first, count)

        monkeypatch.setattr(screening, "_make_pages", die_at_the_second)
        with pytest.raises(SystemExit):
            screen(str(document.screening.pk))
        assert document.pages.count() == 8
        Screening.objects.update(leased_until="2020-01-01T00:00Z")
        screen(str(document.screening.pk))
        document.refresh_from_db()
        assert batches == [1, 9, 9, 17]
        assert (document.status, document.pages.count()) == ("available", 20)


class Clamd:
    """clamd's side of INSTREAM: reads the pieces, finds "EICAR" in them."""

    def __init__(self, path: Path, answer: bytes = b"") -> None:
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(str(path))
        self.server.listen()
        self.answer, self.received = answer, 0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as stream:
                assert stream.read(10) == b"zINSTREAM\0"
                content = b""
                while length := struct.unpack("!L", stream.read(4))[0]:
                    content += stream.read(length)
                self.received = len(content)
                found = b"stream: Eicar FOUND\0" if b"EICAR" in content else b"stream: OK\0"
                connection.sendall(self.answer or found)


@pytest.fixture
def clamd(settings, tmp_path) -> Iterator[Clamd]:
    settings.CLAMD_ADDRESS = f"unix:{tmp_path}/clamd.sock"
    running = Clamd(tmp_path / "clamd.sock")
    yield running
    running.server.close()


@pytest.mark.django_db
class TestAntivirus:
    def test_a_clean_file_is_said_to_be_clean(self, clamd):
        content = files.pdf()
        document = screened(content)
        assert (document.status, document.findings["antivirus"]) == ("available", "clean")
        assert clamd.received == len(content)

    def test_an_infected_file_is_set_aside_before_anything_opens_it(self, clamd):
        document = screened(b"EICAR" + files.pdf())
        assert (document.status, document.problem) == ("quarantined", "virus")
        assert not document.pages.exists()

    def test_a_scanner_that_is_down_lets_nothing_through(self, settings, tmp_path):
        settings.CLAMD_ADDRESS = f"unix:{tmp_path}/nobody.sock"
        document = screened(files.pdf())
        assert document.status == "screening"
        assert document.screening.last_error == "antivirus_unreachable"
        assert document.screening.status == "failed"

    def test_a_file_too_large_for_the_scanner_says_so(self, clamd):
        clamd.answer = b"INSTREAM size limit exceeded. ERROR\0"
        document = screened(files.pdf())
        assert document.findings["antivirus"] == "too large"


def corpus() -> list[tuple[str, str]]:
    """Rows of real files and what should become of them, when the developers' data is beside us."""
    manifest = CORPUS / "MANIFEST.csv"
    if not manifest.exists():
        return []
    with manifest.open(newline="") as rows:
        return [
            (row["path"], row["expect"])
            for row in csv.DictReader(rows)
            if row["path"].startswith(("pdf/", "images/"))
        ]


EXPECTED = {
    "accept": {"available"},
    "flag": {"available"},
    "ask": {"password"},
    "ask for an unlocked copy": {"password"},
    "accept or ask": {"available", "password"},
    "clear message": {"damaged", "too_complex"},
}


@pytest.mark.skipif(not corpus(), reason="the developers' sample records are not beside this copy")
@pytest.mark.parametrize(("path", "expect"), corpus())
def test_real_files_are_taken_or_refused_as_expected(path: str, expect: str):
    found = run_guarded("examine", str(CORPUS / path))
    assert not isinstance(found, Refusal), f"expected {expect}, the child {found}"
    observed = found.get("problem", "available")
    allowed = EXPECTED.get(expect.strip(), {"available"})
    assert observed in allowed, f"expected {expect}, observed {observed}"
    if expect.strip() == "flag":
        assert found["findings"]["active"]


def test_every_step_has_words_for_every_end():
    import re

    sources = [Path(screening.__file__), Path(screening.__file__).with_name("foreign.py")]
    used = {
        code
        for source in sources
        for code in re.findall(
            r'(?:Unusable\(|REJECTED, |QUARANTINED, )"(\w+)"', source.read_text()
        )
    } | set(screening.REFUSED.values())
    assert used <= set(PROBLEMS)
    assert default_storage is not None
