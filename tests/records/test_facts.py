"""Electronic records become facts that point to their source, and documents of their own."""

from __future__ import annotations

import base64
from decimal import Decimal
from pathlib import Path

import pytest

from records import workflow
from records.analytes import analytes, key_of, normal_unit
from records.guard import Refusal, run_guarded
from records.models import ClinicalFact, Document
from records.tasks import screen
from tests import factories
from tests.records import files
from tests.records.bundles import condition, nobody_s_bundle, observation, read
from tests.records.ready import screened

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.mark.django_db
class TestReading:
    def test_each_fact_points_to_its_place_and_withdrawn_ones_are_left_out(self):
        document = screened(nobody_s_bundle(
            observation("o1", "2857-1", 4.2, "ng/mL", "2026-03-01T08:00:00Z",
                        referenceRange=[{"high": {"value": 4, "unit": "ng/mL"}}]),
            observation("o2", "2857-1", 9.9, "ng/mL", "2026-03-02", status="entered-in-error"),
            observation("o3", "2857-1", 0.01, "ng/mL", "2026-04-01",
                        valueQuantity={"value": 0.01, "comparator": "<", "unit": "ng/mL"}),
            condition("c1", "Asthma", onsetDateTime="2010"),
            condition("c2", "Gout", verificationStatus={"coding": [{"code": "refuted"}]}),
        ))  # fmt: skip
        job = read(document)
        assert (job.status, job.outcome["facts"], job.outcome["passed"]) == (
            "done", 3, {"withdrawn": 2},
        )  # fmt: skip
        psa = document.facts.get(place="Observation/o1")
        assert (psa.analyte, psa.value, psa.unit, str(psa.on)) == (
            "psa", Decimal("4.2"), "ng/mL", "2026-03-01",
        )  # fmt: skip
        assert psa.reference_range == "< 4 ng/mL"
        below = document.facts.get(place="Observation/o3")  # "< 0.01" is no figure
        assert (below.value, below.value_text) == (None, "< 0.01")
        assert document.facts.get(kind="problem").on is None  # a year is no day

    def test_the_same_thing_said_twice_is_one_and_reading_again_adds_nothing(self):
        request = factories.draft()
        first = screened(nobody_s_bundle(
            observation("a", "2160-0", 1.0, "mg/dL", "2026-01-05"), condition("p", "Asthma")
        ), request, name="a.json")  # fmt: skip
        second = screened(nobody_s_bundle(
            observation("b", "14682-9", 88.4, "umol/L", "2026-01-05"), condition("q", "ASTHMA")
        ), request, name="b.json")  # fmt: skip
        for document in (first, second):
            read(document)
        facts = ClinicalFact.objects.filter(case_file=request.case_file)
        assert facts.count() == 4
        assert len(set(facts.values_list("same_as", flat=True))) == 2
        workflow.read_facts(first)
        assert read(first).status == "done"
        assert facts.count() == 4

    def test_files_inside_become_documents_that_are_screened(self):
        letter = base64.b64encode(files.pdf(2, text="A letter inside")).decode()
        content = nobody_s_bundle(
            {"resourceType": "Binary", "id": "b1", "contentType": "application/pdf",
             "data": letter},
            {"resourceType": "DocumentReference", "id": "d1", "description": "Discharge letter",
             "type": {"coding": [{"system": "http://loinc.org", "code": "18842-5"}]},
             "content": [{"attachment": {"url": "Binary/b1"}}]},
            {"resourceType": "DocumentReference", "id": "d2",
             "content": [{"attachment": {"url": "http://169.254.169.254/latest"}}]},
        )  # fmt: skip
        parent = screened(content)
        job = read(parent)
        assert job.outcome["passed"] == {"only_linked": 1}  # never fetched
        inside = Document.objects.get(findings__taken_from=str(parent.pk))
        assert (inside.status, inside.kind, inside.parent, inside.blinding_class) == (
            "screening", "discharge_summary", None, "",
        )  # fmt: skip
        assert inside.name.file_name == "Discharge letter"
        workflow.read_facts(parent)
        read(parent)  # again, before it was screened
        assert Document.objects.filter(findings__taken_from=str(parent.pk)).count() == 1
        screen(str(inside.screening.pk))
        inside.refresh_from_db()
        assert (inside.status, inside.page_count) == ("available", 2)
        assert "A letter inside" in inside.pages.get(number=1).text

    def test_what_was_taken_back_meanwhile_is_not_read(self):
        document = screened(nobody_s_bundle(condition("p", "Asthma")))
        Document.objects.filter(pk=document.pk).update(status="removed")
        read(document)
        assert not document.facts.exists()


@pytest.mark.skipif(not DATA.exists(), reason="the shared records are not on this machine")
class TestCorpus:
    """Every electronic record of the pack gives what is known to stand in it."""

    @pytest.mark.parametrize(
        ("name", "version", "counts"),
        [
            ("fhir/dstu2/hca-pat-77.json", "DSTU2", {"lab": 6, "problem": 1, "medicine": 1}),
            ("fhir/stu3-smart/patient-1032702.fhir-bundle.json", "STU3", {"problem": 5}),
            ("fhir/r4-other/ips-nz-pj.json", "R4", {"problem": 11, "medicine": 7, "lab": 4}),
            ("fhir/r4-other/bundle-ips-examples-bundle-01.xml", "R4",
             {"problem": 2, "medicine": 2, "allergy": 1, "lab": 6}),
            ("ccda/hl7-examples/CCD.XML", "C-CDA",
             {"allergy": 2, "immunization": 5, "medicine": 2, "problem": 4, "procedure": 3,
              "lab": 5}),
            ("ccda/vendor-samples/Allscripts_FollowMyHealth--Discharge_Summary-rebeccaangles.xml",
             "C-CDA", {"allergy": 2, "medicine": 12, "problem": 7, "lab": 11}),
        ],
    )  # fmt: skip
    def test_it_reads(self, name, version, counts, tmp_path):
        media_type = "application/cda+xml" if "ccda" in name else "application/fhir+json"
        media_type = "application/fhir+xml" if name.endswith("01.xml") else media_type
        order = (str(DATA / name), media_type, str(tmp_path))
        told = run_guarded("records.facts.foreign:read", *order)
        assert told["version"] == version
        found = [fact["kind"] for fact in told["facts"]]
        assert {kind: found.count(kind) for kind in counts} == counts


class TestDoctype:
    def test_a_document_type_is_refused(self, tmp_path):
        bomb = tmp_path / "bomb.xml"
        entity = '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
        root = '<ClinicalDocument xmlns="urn:hl7-org:v3">&e;</ClinicalDocument>'
        bomb.write_text(entity + root)
        told = run_guarded(
            "records.facts.foreign:read", str(bomb), "application/cda+xml", str(tmp_path)
        )
        assert told == Refusal("crashed")


class TestAnalytes:
    def test_the_checklists_keys_are_known_and_codes_belong_to_one(self):
        assert {"psa", "tsh", "creatinine", "hemoglobin", "vitamin_b12", "bnp"} <= set(analytes())
        codes = [code for one in analytes().values() for code in one.loinc]
        assert len(codes) == len(set(codes))
        names = [name for one in analytes().values() for name in one.names]
        assert len(names) == len(set(names))

    @pytest.mark.parametrize(
        ("key", "value", "unit", "expected"),
        [
            ("creatinine", "88.4", "µmol/L", "0.9998"),
            ("hemoglobin", "130", "g/L", "13"),
            ("hba1c", "48", "mmol/mol", "6.543"),
            ("psa", "4.25", "ug/L", "4.25"),
            ("tsh", "2.5", "uIU/mL", "2.5"),
            ("platelets", "250", "10^9/L", "250"),
        ],
    )
    def test_units_are_converted(self, key, value, unit, expected):
        assert analytes()[key].converted(Decimal(value), unit) == Decimal(expected)

    def test_an_unknown_unit_is_never_guessed(self):
        assert analytes()["hemoglobin"].converted(Decimal(13), "") is None
        assert analytes()["psa"].converted(Decimal(4), "mmol/L") is None
        assert key_of("http://loinc.org", "57905-2", "Hemoglobin") == ""
        assert key_of("", "", "Hemoglobina") == "hemoglobin"
        assert normal_unit("10*3/uL") == normal_unit("x10^3/µL")
