"""The page of values and history: for each sight its own rows, and a value typed off a paper."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from records.models import ClinicalFact, Document
from requests_app.completeness.evidence import gather
from secondop.audit.models import AuditEvent
from specialists import workflow as referrals
from tests import factories
from tests.records import files
from tests.records.bundles import condition, nobody_s_bundle, observation, read
from tests.records.ready import screened

pytestmark = pytest.mark.django_db


def address(case_file) -> str:
    return reverse("records:facts", args=[case_file.pk])


def with_records(request, n: int = 1) -> list[Document]:
    """Two records that say the same creatinine in two units, and `n` more values each."""
    made = []
    for name, unit, value in (("one", "mg/dL", 1.0), ("two", "umol/L", 88.4)):
        more = [
            observation(f"{name}{i}", "2160-0", (1.2 + i / 10) * (1 if name == "one" else 88.4),
                        unit, f"2026-0{1 + i % 9}-1{i % 10}")
            for i in range(n)
        ]  # fmt: skip
        content = nobody_s_bundle(
            observation(name, "2160-0", value, unit, "2025-12-24"), *more,
            condition(f"c{name}", f"Asthma {name}", onsetDateTime="2020-02-03"),
        )  # fmt: skip
        document = screened(content, request, name=f"{name}.json")
        read(document)
        made.append(document)
    return made


class TestFacts:
    def test_the_patient_sees_one_series_with_its_drawing_and_every_source(self, client):
        request = factories.draft()
        one, two = with_records(request)
        client.force_login(request.started_by)
        page = client.get(address(request.case_file)).content.decode()
        assert page.count("<svg") == page.count("<polyline") == 1
        assert page.count("<circle") == 2  # the value both records tell is one point
        assert "printed as 88.4 umol/L" not in page  # the first source is shown as it is
        for document in (one, two):
            link = reverse("records:document", args=[document.pk])
            assert page.count(f'href="{link}?') >= 2
        assert "Asthma one" in page
        assert "Asthma two" in page
        assert "style=" not in page

    def test_queries_do_not_grow_with_the_values(self, client):
        few, many = factories.draft(), factories.draft()
        with_records(few)
        with_records(many, 9)
        counts = []
        for request in (few, many):
            client.force_login(request.started_by)
            client.get(address(request.case_file))
            with CaptureQueriesContext(connection) as asked:
                assert client.get(address(request.case_file)).status_code == 200
            counts.append(len(asked))
        assert counts[0] == counts[1] <= 25, counts

    def test_a_document_set_aside_says_nothing_and_is_no_evidence(self, client):
        request = factories.draft()
        one, two = with_records(request)
        Document.objects.filter(pk__in=[one.pk, two.pk]).update(status="quarantined")
        client.force_login(request.started_by)
        page = client.get(address(request.case_file)).content.decode()
        assert "Asthma" not in page
        assert "<svg" not in page
        assert gather(request).values == []

    def test_a_sealed_specialist_sees_the_facts_of_clear_documents_alone(self, client):
        request = factories.opinion_request_at("ready")
        reader = factories.specialist(request.clinic)
        staff = factories.coordinator(request.clinic)
        referrals.refer(request, to=reader, by=staff)
        referrals.take(request.referrals.get(), by=reader.user)
        shown, hidden = (
            factories.document(
                request.case_file, by=request.started_by, content=content, blinding_class=sight,
                neutral_title=title,
            )
            for content, sight, title in ((b"a", "clear", "Blood test"), (b"b", "withheld", ""))
        )  # fmt: skip
        for document, text in ((shown, "Asthma"), (hidden, "Lymphoma")):
            for n, value in enumerate((1, 2), start=1):
                ClinicalFact.objects.create(
                    clinic=request.clinic, case_file=request.case_file, document=document,
                    kind="lab", text=f"{text} test", value=value, unit="U/L", place=f"{n}",
                    on=date(2026, n, 1), same_as=f"{value}{document.pk}"[:64],
                )  # fmt: skip
            ClinicalFact.objects.create(
                clinic=request.clinic, case_file=request.case_file, document=document,
                kind="problem", text=text, same_as=str(document.pk),
            )  # fmt: skip
        ClinicalFact.objects.create(  # of no document: for full sight alone
            clinic=request.clinic, case_file=request.case_file, kind="problem", text="Hodgkin",
            same_as="x",
        )  # fmt: skip
        client.force_login(reader.user)
        page = client.get(address(request.case_file)).content.decode()
        assert "Asthma test" in page
        assert "Blood test" in page
        for word in ("Lymphoma", "Hodgkin", str(hidden.pk), "Add a value"):
            assert word not in page
        posted = client.post(address(request.case_file), {"step": "remove"})
        assert posted.status_code == 404
        client.force_login(staff)
        page = client.get(address(request.case_file)).content.decode()
        assert "Lymphoma" in page
        assert "Hodgkin" in page

    def test_a_stranger_finds_nothing(self, client):
        client.force_login(factories.UserFactory())
        assert client.get(address(factories.draft().case_file)).status_code == 404


class TestAdding:
    def typed(self, paper: Document, **other: object) -> dict[str, object]:
        return {"analyte": "psa", "value": "4,2", "unit": "ng/ml", "on_year": "2026",
                "on_month": "3", "on_day": "1", "document": str(paper.pk), "page": "2",
                } | other  # fmt: skip

    def test_a_psa_on_a_paper_counts_as_evidence_until_it_is_taken_back(self, client):
        request = factories.draft()
        paper = screened(files.pdf(2, text="PSA 4.2"), request)
        client.force_login(request.started_by)
        here = address(request.case_file)
        for _twice in range(2):
            assert client.post(here, self.typed(paper)).status_code == 302
        fact = ClinicalFact.objects.get(case_file=request.case_file)
        assert (fact.analyte, str(fact.value.normalize()), fact.page, fact.by) == (
            "psa", "4.2", 2, request.started_by,
        )  # fmt: skip
        assert [(one.analyte, one.on) for one in gather(request).values] == [
            ("psa", date(2026, 3, 1))
        ]
        assert AuditEvent.objects.filter(verb="fact.added").count() == 1
        page = client.get(here).content.decode()
        assert f"{reverse('records:document', args=[paper.pk])}?next=" in page
        assert "#page-2" in page
        assert client.post(here, {"step": "remove", "fact": str(fact.pk)}).status_code == 302
        assert gather(request).values == []

    @pytest.mark.parametrize(
        ("wrong", "sentence"),
        [
            ({"value": "high"}, "Write a number"),
            ({"unit": "mmol/L"}, "not measured in that unit"),
            ({"unit": ""}, "not measured in that unit"),
            ({"page": "3"}, "Its last page is 2."),
            ({"on_year": "2090"}, "on_year"),
            ({"document": "0"}, "choose one from the list"),
        ],
    )
    def test_what_cannot_be_is_told_in_a_sentence(self, client, wrong, sentence):
        request = factories.draft()
        paper = screened(files.pdf(2), request)
        client.force_login(request.started_by)
        answer = client.post(address(request.case_file), self.typed(paper, **wrong))
        assert answer.status_code == 422
        assert sentence in answer.content.decode()
        assert not ClinicalFact.objects.exists()
