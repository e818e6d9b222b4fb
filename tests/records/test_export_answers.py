"""A copy holds the patient's answers and questions, validates as FHIR, and can be gone on with."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from django.test import Client
from django.urls import reverse
from fhir.resources.R4B.bundle import Bundle
from pydantic import ValidationError

from records.export.contents import Contents
from records.models import SafetyFacts
from tests import factories
from tests.records.dicom.samples import a_case_file, as_bytes, ct
from tests.records.test_export import download, manifest_of, small, taken_in

pytestmark = pytest.mark.django_db
ANSWERS = {"has_allergies": "yes", "allergies": "Penicillin", "has_implants": "no",
           "takes_anticoagulants": "unknown"}  # fmt: skip


def told(case_file, **answers):
    SafetyFacts.objects.update_or_create(
        case_file=case_file,
        defaults=answers,
        create_defaults=answers | {"clinic": case_file.clinic},
    )


def answers_of(case_file):
    row = SafetyFacts.objects.get(case_file=case_file)
    return {name: getattr(row, name) for name in ANSWERS}


class TestAnswers:
    def test_they_go_along_and_come_back_where_there_are_none(self, run_jobs):
        first = factories.draft()
        SafetyFacts.objects.filter(case_file=first.case_file).delete()
        told(first.case_file, **ANSWERS)
        factories.add_question(first, "Is surgery <needed>?")
        content = download(first.case_file)
        assert manifest_of(content)["safety"] == ANSWERS
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            page = archive.read("index.html").decode()
            bundle = json.loads(archive.read("fhir/bundle.json"))
        assert "Yes: Penicillin" in page
        assert "Is surgery &lt;needed&gt;?" in page
        [answers] = [
            entry["resource"]
            for entry in bundle["entry"]
            if entry["resource"]["resourceType"] == "QuestionnaireResponse"
        ]
        assert {"linkId": "allergies", "answer": [{"valueString": "Penicillin"}]} in answers["item"]

        second = factories.draft()
        SafetyFacts.objects.filter(case_file=second.case_file).delete()
        second.questions.all().delete()
        job = taken_in(second.case_file, content, run_jobs)
        assert job.status == "done", job.outcome
        assert answers_of(second.case_file) == ANSWERS
        back = manifest_of(download(second.case_file))
        assert back["safety"] == ANSWERS
        assert back["questions"] == manifest_of(content)["questions"]
        assert "Is surgery <needed>?" in back["questions"]
        # What is answered here is never replaced by a file.
        told(second.case_file, has_allergies="no", allergies="")
        taken_in(second.case_file, content, run_jobs)
        assert answers_of(second.case_file)["has_allergies"] == "no"
        assert len(manifest_of(download(second.case_file))["questions"]) == len(back["questions"])

    def test_a_lying_list_writes_no_answer_that_nobody_can_give(self, run_jobs):
        first = a_case_file()
        told(first, has_allergies="certainly", allergies="x" * 300)
        content = small(first)
        second = a_case_file()
        taken_in(second, content, run_jobs)
        row = SafetyFacts.objects.get(case_file=second)
        assert (row.has_allergies, row.allergies) == ("", "x" * 300)


class TestFhir:
    def test_the_bundle_validates_and_a_spoiled_one_does_not(self):
        case_file = a_case_file()
        with zipfile.ZipFile(io.BytesIO(small(case_file))) as archive:
            bundle = json.loads(archive.read("fhir/bundle.json"))
        assert len(Bundle.model_validate(bundle).entry) == len(bundle["entry"]) >= 3
        bundle["entry"][1]["resource"].pop("status", None)
        bundle["entry"][1]["resource"]["nonsense"] = 1
        with pytest.raises(ValidationError):
            Bundle.model_validate(bundle)


class TestGoingOn:
    def test_a_download_that_broke_off_goes_on_and_a_changed_one_begins_anew(self):
        case_file = a_case_file()
        whole = small(case_file)
        client = Client()
        client.force_login(case_file.patient.user)
        url = reverse("records:export_file", args=[case_file.pk])
        tag = client.get(url)["ETag"]
        assert client.head(url)["Accept-Ranges"] == "bytes"

        def part(wanted, tag=tag):
            answer = client.get(url, headers={"range": wanted, "if-range": tag})
            return answer, b"".join(answer.streaming_content) if answer.streaming else b""

        for start in (1, 700, len(whole) // 2, len(whole) - 1):
            answer, rest = part(f"bytes={start}-")
            assert (answer.status_code, rest) == (206, whole[start:])
            assert answer["Content-Range"] == f"bytes {start}-{len(whole) - 1}/{len(whole)}"
            assert int(answer["Content-Length"]) == len(rest)
        assert part("bytes=10-29")[1] == whole[10:30]
        answer, rest = part(f"bytes={len(whole)}-")
        assert (answer.status_code, answer["Content-Range"]) == (416, f"bytes */{len(whole)}")
        assert part("bytes=10-29", tag='"other"')[1] == whole
        factories.document(case_file, by=case_file.patient.user, file_name="more.pdf")
        answer, rest = part("bytes=10-29")
        assert answer.status_code == 200
        assert answer["ETag"] != tag
        assert rest != whole


class TestCounting:
    def test_the_page_counts_what_the_copy_holds_and_reads_no_row_of_an_image(
        self, django_assert_num_queries
    ):
        case_file = a_case_file()
        small(case_file)
        contents = Contents(case_file, case_file.patient.user)
        with django_assert_num_queries(5):
            totals = contents.totals
        assert "studies" not in vars(contents)
        assert totals.images == contents.image_count == 2
        assert totals.studies == len(contents.studies)
        assert totals.documents == len(contents.originals)
        assert totals.size_bytes == 2 * len(as_bytes(ct(1))) + sum(
            one.document.size_bytes for one in contents.originals
        )
