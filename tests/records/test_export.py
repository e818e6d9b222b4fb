"""A case file leaves one clinic as a ZIP and comes whole into another."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from datetime import date
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse
from fhir.resources.R4B.bundle import Bundle
from pydicom.fileset import FileSet

from records import uploads
from records.dicom.ingest import Batch
from records.facts import entering
from records.models import ClinicalFact, Document, ImagingIngest, ImagingInstance, ImagingStudy
from records.tasks import ingest_archive
from secondop.audit.models import AuditEvent
from secondop.jobs.models import Job
from tests import factories
from tests.records import files
from tests.records.dicom.samples import a_case_file, as_bytes, ct, without_a_name

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
PAPERS = (
    ("pdf/ordinary/habibi.pdf", "pathology_report"),
    ("ccda/hl7-examples/CCD.XML", "discharge_summary"),
    ("fhir/r4-synthea/Chet_Thompson_eda17701-070d-4fae-9f7d-c8cd6263b63a.json", "other"),
    ("images/typewriter.png", "photo"),
)
CT, MR = "dicom/05-dicomdir-media/77654033/CT2", "dicom/04-series-mr-60-slices"

pytestmark = pytest.mark.django_db


def send(case_file, content: bytes, *, name: str, kind: str = "other") -> None:
    upload = uploads.begin(
        case_file, by=case_file.patient.user, file_name=name, size_bytes=len(content), kind=kind
    )
    uploads.append(upload, io.BytesIO(content), offset=0, length=len(content))


def filled(run_jobs):
    """A case file of real records: papers, C-CDA, FHIR, a CT and an MR; and a typed value."""
    case_file = without_a_name(a_case_file())
    for path, kind in PAPERS:
        send(case_file, (DATA / path).read_bytes(), name=Path(path).name, kind=kind)
    images = [*sorted((DATA / CT).iterdir()), *sorted((DATA / MR).iterdir())[:6]]
    with Batch(case_file, by=case_file.patient.user) as batch:
        for path in images:
            batch.begin()
            batch.write(path.read_bytes())
            batch.finish()
        assert all(not result.problem for result in batch.close())
    run_jobs()
    Document.objects.filter(case_file=case_file, status="held").update(status="available")
    ImagingStudy.objects.filter(case_file=case_file, status="held").update(status="available")
    run_jobs()
    letter = Document.objects.get(case_file=case_file, kind="pathology_report")
    entering.add_value(
        case_file,
        {"analyte": "psa", "value": "< 0.01", "unit": "ng/mL", "on": date(2026, 3, 1), "page": 1},
        letter, by=case_file.patient.user,
    )  # fmt: skip
    Document.objects.filter(pk=letter.pk).update(dated_on=date(2024, 2, 29))
    return case_file


def download(case_file, user=None) -> bytes:
    client = Client()
    client.force_login(user or case_file.patient.user)
    answer = client.get(reverse("records:export_file", args=[case_file.pk]))
    assert answer.status_code == 200, answer.content[:300]
    content = b"".join(answer.streaming_content)
    assert len(content) == int(answer["Content-Length"])
    return content


def manifest_of(content: bytes) -> dict:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return json.loads(archive.read("manifest.json"))


def taken_in(case_file, content: bytes, run_jobs) -> ImagingIngest:
    send(case_file, content, name="copy.zip", kind="imaging_archive")
    run_jobs()
    run_jobs()  # what the first round asked for
    return ImagingIngest.objects.filter(case_file=case_file).latest("created_at")


def hashes(content: bytes, under: str) -> set[str]:
    return {
        row["sha256"] for row in manifest_of(content)["members"] if row["path"].startswith(under)
    }


def facts_of(case_file) -> list[tuple]:
    rows = ClinicalFact.objects.filter(case_file=case_file).values_list(
        "kind", "text", "code", "analyte", "value", "value_text", "unit", "on", "until", "status",
        "place", "page", "document__sha256",
    )  # fmt: skip
    return sorted(map(repr, rows))


class TestThereAndBack:
    def test_the_same_case_file_stands_in_the_other_clinic(self, run_jobs, tmp_path):
        first = filled(run_jobs)
        content = download(first)
        assert content == download(first)  # to the byte
        told = manifest_of(content)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            assert archive.testzip() is None
            names = set(archive.namelist())
            for row in told["members"]:
                raw = archive.read(row["path"])
                assert hashlib.sha256(raw).hexdigest() == row["sha256"], row["path"]
                assert len(raw) == row["size_bytes"]
        assert names == {row["path"] for row in told["members"]} | {"manifest.json"}
        assert told["totals"]["images"] == 10
        assert told["totals"]["documents"] == len(hashes(content, "documents/")) >= 4
        second = without_a_name(a_case_file())
        job = taken_in(second, content, run_jobs)
        assert (job.status, job.outcome["is_copy"]) == ("done", True), job.outcome
        assert job.outcome["stored"] == 10
        assert job.outcome["typed_facts"] == 1
        for model in (Document, ImagingStudy):
            model.objects.filter(case_file=second, status="held").update(status="available")
        run_jobs()
        again = download(second)
        for under in ("documents/", "DICOM/"):
            assert hashes(again, under) == hashes(content, under)
        assert facts_of(second) == facts_of(first)
        assert len(facts_of(first)) > 40
        described = {(d["sha256"], d["title"], d["kind"], d["dated_on"]) for d in told["documents"]}
        back = manifest_of(again)["documents"]
        assert {(d["sha256"], d["title"], d["kind"], d["dated_on"]) for d in back} == described
        # Once more changes nothing.
        job = taken_in(second, content, run_jobs)
        assert (job.outcome["stored"], job.outcome["known"]) == (0, 10)
        assert job.outcome.get("documents", 0) == 0
        assert facts_of(second) == facts_of(first)
        programs_for_discs_and_for_fhir_read_it(content, tmp_path)


def programs_for_discs_and_for_fhir_read_it(content, tmp_path):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(tmp_path)
    disc = FileSet(tmp_path / "DICOMDIR")
    loaded = [instance.load() for instance in disc]
    assert len(loaded) == 10
    assert {data.Modality for data in loaded} == {"CT", "MR"}
    assert set(disc.find_values("SOPInstanceUID")) == {d.SOPInstanceUID for d in loaded}
    assert {str(d.PatientName) for d in loaded} == {
        str(name) for name in disc.find_values("PatientName")
    }
    disc._stage["t"].cleanup()  # else it complains when it is collected
    bundle = json.loads((tmp_path / "fhir/bundle.json").read_text())
    assert len(Bundle.model_validate(bundle).entry) == len(bundle["entry"])
    kinds = {entry["resource"]["resourceType"] for entry in bundle["entry"]}
    assert kinds >= {
        "Patient", "DocumentReference", "ImagingStudy", "Observation", "Condition",
        "MedicationStatement", "AllergyIntolerance", "Procedure", "Immunization",
    }  # fmt: skip
    everyone = {entry["fullUrl"] for entry in bundle["entry"]}
    assert len(everyone) == len(bundle["entry"])
    for entry in bundle["entry"]:
        for text in _references(entry["resource"]):
            assert text in everyone
    for entry in bundle["entry"]:
        if entry["resource"]["resourceType"] == "DocumentReference":
            [content] = entry["resource"]["content"]
            file = tmp_path / "fhir" / content["attachment"]["url"]
            assert file.stat().st_size == content["attachment"]["size"]
    page = (tmp_path / "index.html").read_text()
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert "habibi.pdf" in page


def _references(resource):
    if isinstance(resource, dict):
        if "reference" in resource:
            yield resource["reference"]
        for value in resource.values():
            yield from _references(value)
    elif isinstance(resource, list):
        for value in resource:
            yield from _references(value)


def small(case_file) -> bytes:
    """A copy of a case file of one letter and two slices."""
    factories.document(case_file, by=case_file.patient.user, content=files.pdf(1), kind="letter",
                       file_name="../../Brief an Dr. Müller.pdf")  # fmt: skip
    with Batch(case_file, by=case_file.patient.user) as batch:
        for number in (1, 2):
            batch.begin()
            batch.write(as_bytes(ct(number)))
            batch.finish()
        batch.close()
    return download(case_file)


def changed(content: bytes, **changes) -> bytes:
    """The ZIP packed anew: `name=bytes` replaces a member, `name=None` drops it."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        names = [*old.namelist(), *(name for name in changes if name not in old.namelist())]
        for name in names:
            told = changes.get(name, b"")
            if name not in changes:
                told = old.read(name)
            if told is not None:
                new.writestr(name, told)
    return out.getvalue()


class TestRefusing:
    def test_what_is_not_whole_changes_nothing_and_says_which_part(self, run_jobs):
        content = small(a_case_file())
        told = manifest_of(content)
        [letter] = [d["path"] for d in told["documents"]]
        assert letter.startswith("documents/01-letter-")
        bad = json.dumps(told | {"version": 99}).encode()
        out = json.dumps(told | {"members": [{**told["members"][0], "path": "../../etc/x"}]})
        fewer = json.dumps(told | {"totals": told["totals"] | {"members": 3}}).encode()
        cases = {
            "copy_damaged": {letter: b"%PDF-1.4 another letter"},
            "copy_lacks": {"DICOM/S0001/I0000002": None},
            "copy_version": {"manifest.json": bad},
            "copy_unsafe": {"manifest.json": out.encode()},
            "copy_counts": {"manifest.json": fewer},
        }
        here = a_case_file()
        for code, change in cases.items():
            job = taken_in(here, changed(content, **change), run_jobs)
            assert (job.status, job.outcome["archive"]) == ("dead", code)
        for name in ("../../etc/passwd", "/etc/passwd"):  # zip-slip
            job = taken_in(here, changed(content, **{name: b"root"}), run_jobs)
            assert job.outcome["archive"] == "copy_unsafe"
        job = taken_in(here, changed(content, **{"extra.txt": b"more"}), run_jobs)
        assert job.outcome["archive"] == "copy_counts"
        same_length = bytearray(content)
        at = content.index(b"%PDF") + 40
        same_length[at] ^= 1
        job = taken_in(here, bytes(same_length), run_jobs)
        assert job.outcome == {"archive": "copy_damaged", "member": letter}
        size = {row["path"]: row["size_bytes"] for row in told["members"]}[letter]
        bomb = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(bomb, "w") as new:
            huge = told["members"][0]["size_bytes"] + 300 * 1024**2
            rows = [{**row, "size_bytes": huge} if row["path"] == "index.html" else row
                    for row in told["members"]]  # fmt: skip
            totals = told["totals"] | {"size_bytes": sum(row["size_bytes"] for row in rows)}
            for name in old.namelist():
                if name == "manifest.json":
                    new.writestr(name, json.dumps(told | {"members": rows, "totals": totals}))
                elif name == "index.html":
                    new.writestr(name, bytes(huge), zipfile.ZIP_DEFLATED)
                else:
                    new.writestr(name, old.read(name))
        job = taken_in(here, bomb.getvalue(), run_jobs)
        assert job.outcome == {"archive": "copy_damaged", "member": "index.html"}
        assert size
        assert not Document.objects.filter(case_file=here).exists()
        assert not ImagingInstance.objects.filter(case_file=here).exists()
        client = Client()
        client.force_login(here.patient.user)
        page = client.get(reverse("records:images_add", args=[here.pk])).content.decode()
        assert f"({letter})" in page
        assert "is damaged, so we took nothing" in page
        # Packed again by somebody's computer it is still whole.
        packed = io.BytesIO()
        old = zipfile.ZipFile(io.BytesIO(content))
        with old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
            for name in reversed(old.namelist()):
                new.writestr(f"Copy/{name}", old.read(name))
            new.writestr("__MACOSX/Copy/._index.html", b"junk")
        job = taken_in(here, packed.getvalue(), run_jobs)
        assert (job.status, job.outcome["stored"], job.outcome["documents"]) == ("done", 2, 1)

    def test_a_run_that_was_killed_is_done_once(self, run_jobs, monkeypatch):
        content = small(a_case_file())
        here = a_case_file()
        key = default_storage.save("archives/aa/copy", ContentFile(content))
        job = ImagingIngest.objects.create(
            clinic_id=here.clinic_id, case_file=here, by=here.patient.user, key=key
        )
        with monkeypatch.context() as killed:

            def die(_job: Job) -> None:
                raise KeyboardInterrupt

            killed.setattr(ImagingIngest, "closing", die)
            with pytest.raises(KeyboardInterrupt):
                ingest_archive(str(job.pk))
        ImagingIngest.objects.filter(pk=job.pk).update(status="queued", leased_until=None)
        ingest_archive(str(job.pk))
        job.refresh_from_db()
        assert job.status == "done", job.last_error
        run_jobs()
        assert Document.objects.filter(case_file=here).count() == 1
        assert ImagingInstance.objects.filter(case_file=here).count() == 2
        letter = Document.objects.select_related("name").get(case_file=here)
        assert (letter.status, letter.kind) == ("available", "letter")
        assert letter.name.file_name == "Brief an Dr. Müller.pdf"


class TestAnything:
    def test_documents_and_images_of_a_mixed_zip_both_come_in(self, run_jobs):
        case_file = without_a_name(a_case_file())
        content = (DATA / "archives/mixed-records-mac.zip").read_bytes()
        job = taken_in(case_file, content, run_jobs)
        assert job.outcome == {
            "stored": 1, "known": 0, "documents": 3, "refused": {"not_dicom": 2}, "is_copy": False,
        }  # fmt: skip
        rows = Document.objects.filter(case_file=case_file, findings__archive=str(job.pk))
        assert set(rows.values_list("name__file_name", "media_type")) == {
            ("Laborbefund.pdf", "application/pdf"), ("Arztbrief.xml", "application/cda+xml"),
            ("histórico.json", "application/fhir+json"),
        }  # fmt: skip
        job = taken_in(case_file, content, run_jobs)
        assert (job.outcome["known"], job.outcome["documents_known"]) == (1, 3)
        job = taken_in(case_file, (DATA / "archives/patient-cd.zip").read_bytes(), run_jobs)
        assert "documents" not in job.outcome  # a disc's own files are no records


class TestWhoMay:
    def test_held_things_stay_out_and_the_trail_says_who_took_a_copy(self, run_jobs):
        case_file = a_case_file()
        small(case_file)
        user = case_file.patient.user
        factories.document(case_file, by=user, status="held", problem="other_patient",
                           file_name="Strange.pdf")  # fmt: skip
        staff = factories.coordinator(case_file.clinic)
        content = download(case_file, staff)
        told = manifest_of(content)
        assert told["left_out"] == {"documents": 1, "studies": 0}
        assert b"Strange" not in content
        event = AuditEvent.objects.filter(verb="case_file.copied").latest("at")
        assert (event.actor_id, event.case_file_id) == (staff.pk, case_file.pk)
        assert AuditEvent.objects.filter(verb="case_file.copied").count() == 2

    def test_neither_a_stranger_nor_a_reader_before_or_after_the_reveal(self):
        request = factories.opinion_request_at("in_review")
        referral = request.referrals.get()
        client = Client()
        for reveal in (False, True):
            if reveal:
                factories.revealed(referral)
            client.force_login(referral.specialist.user)
            for name in ("export", "export_file"):
                address = reverse(f"records:{name}", args=[request.case_file_id])
                assert client.get(address).status_code == 404
        client.force_login(factories.coordinator())
        assert (
            client.get(reverse("records:export_file", args=[request.case_file_id])).status_code
            == 404
        )

    def test_the_delivered_report_is_in_it(self, run_jobs):
        request = factories.opinion_request_at("delivered")
        run_jobs()
        content = download(request.case_file, request.started_by)
        told = manifest_of(content)
        assert [one["path"] for one in told["reports"]] == ["report/second-opinion-v1.pdf"]
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            assert archive.read("report/second-opinion-v1.pdf").startswith(b"%PDF")
            bundle = json.loads(archive.read("fhir/bundle.json"))
        kinds = [entry["resource"]["resourceType"] for entry in bundle["entry"]]
        assert "DiagnosticReport" in kinds
        assert "Condition" in kinds  # the original diagnosis
        client = Client()
        client.force_login(request.started_by)
        page = client.get(reverse("requests:access_log", args=[request.pk])).content.decode()
        assert "took a copy of the whole case file" in page


def test_the_page_asks_the_same_however_much_there_is(django_assert_max_num_queries):
    case_file = a_case_file()
    small(case_file)
    client = Client()
    client.force_login(case_file.patient.user)
    for extra in range(3):
        with django_assert_max_num_queries(40):
            client.get(reverse("records:export", args=[case_file.pk]))
        factories.document(case_file, by=case_file.patient.user, file_name=f"{extra}.pdf")
