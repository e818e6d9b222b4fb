"""Facts as real products write them: no codes, older guides, what was not done or is not known.

Each case is modelled on a public sample in which a fact was missing or wrong.
"""

from __future__ import annotations

import json

from records import foreign as kinds
from records.facts import foreign
from records.readable import foreign as readable
from tests.records.bundles import condition, nobody_s_bundle, observation

V3 = 'xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
PROBLEM = "2.16.840.1.113883.10.20.1.28"  # of CCD, the forerunner of C-CDA


def cda(tmp_path, code: str, *entries: str) -> dict:
    sections = (
        f'<section><code code="{code}"/><title>T</title><text><content ID="n1">Gout, told'
        + (f"</content></text>{''.join(entries)}</section>")
    )
    body = f"<component><structuredBody><component>{sections}</component></structuredBody>"
    file = tmp_path / "a.xml"
    file.write_text(f"<ClinicalDocument {V3}>{body}</component></ClinicalDocument>")
    return foreign.read(str(file), "application/cda+xml", str(tmp_path))


def fhir(tmp_path, *resources: dict) -> dict:
    file = tmp_path / "a.json"
    file.write_bytes(nobody_s_bundle(*resources))
    return foreign.read(str(file), "application/fhir+json", str(tmp_path))


def problem(value: str, beside: str = "") -> str:
    return f"""<entry><act><statusCode code="completed"/><entryRelationship><observation>
    <templateId root="{PROBLEM}"/><text><reference value="#n1"/></text>{value}{beside}
    </observation></entryRelationship></act></entry>"""


def test_problems_of_the_older_guide_with_their_state_and_words(tmp_path):
    active = """<entryRelationship><observation><code code="33999-4"/><value code="55561003"/>
    </observation></entryRelationship>"""
    told = cda(
        tmp_path, "11450-4",
        problem('<value code="195967001" displayName="Asthma"/>', active),
        problem('<value><translation code="274.9" codeSystem="2.16.840.1.113883.6.103"/></value>'),
        problem('<value code="55607006" displayName="Problem">'
                '<translation code="346.10" displayName="Migraine"/></value>'),
    )  # fmt: skip
    found = [(one["text"], one["code"], one["status"]) for one in told["facts"]]
    assert found == [
        ("Asthma", "195967001", "active"),  # the act's "completed" is of the concern
        ("Gout, told", "274.9", "completed"), ("Migraine", "346.10", "completed"),
    ]  # fmt: skip


def test_what_has_no_code_keeps_its_name_and_gets_no_code(tmp_path):
    def given(inner: str) -> str:
        return f"""<entry><substanceAdministration><consumable><manufacturedProduct>
        <manufacturedMaterial>{inner}</manufacturedMaterial></manufacturedProduct></consumable>
        </substanceAdministration></entry>"""

    unknown = '<code code="Unknown" displayName="Unknown"'
    told = cda(
        tmp_path, "10160-0",
        given(f'{unknown}><translation code="86679" displayName="Decongestant 120"/></code>'),
        given(f"{unknown}/><name>Decongestant</name>"),
        given('<code nullFlavor="UNK" code="UNK"/><name>Ointment</name>'),
    )  # fmt: skip
    found = [(one["text"], one["code"]) for one in told["facts"]]
    assert found == [("Decongestant 120", "86679"), ("Decongestant", ""), ("Ointment", "")]


def test_an_allergy_is_called_what_it_is_and_a_source_is_no_result(tmp_path):
    agent = """<entry><act><entryRelationship><observation><participant><participantRole>
    <playingEntity><code code="UNK"><originalText>Coded name not available</originalText></code>
    <name>LATEX STRAP</name></playingEntity></participantRole></participant></observation>
    </entryRelationship></act></entry>"""
    assert [one["text"] for one in cda(tmp_path, "48765-2", agent)["facts"]] == ["LATEX STRAP"]
    source = """<entry><observation><code code="718-7" displayName="Hb"/>
    <value xsi:type="PQ" value="13" unit="g/dL"/><entryRelationship><observation>
    <code code="48766-0" displayName="Information source"/><value xsi:type="ST">Dr View</value>
    </observation></entryRelationship></observation></entry>"""
    assert [one["text"] for one in cda(tmp_path, "30954-2", source)["facts"]] == ["Hb"]


def test_none_known_is_no_fact_and_not_taken_is_told(tmp_path):
    def allergy(**code) -> dict:
        return {"resourceType": "AllergyIntolerance", "code": code}

    def coded(code: str, system: str = "http://snomed.info/sct") -> dict:
        return {"coding": [{"system": system, "code": code, "display": "said"}]}

    medicine = {"resourceType": "MedicationStatement",
                "medicationCodeableConcept": {"text": "Amoxicillin"}}  # fmt: skip
    null = "http://terminology.hl7.org/CodeSystem/v3-NullFlavor"
    told = fhir(
        tmp_path, allergy(**coded("716186003")), allergy(text="No known drug allergies"),
        allergy(text="Latex"), condition("c1", "No known distant metastases"),
        medicine | {"id": "m1", "taken": "n", "status": "active"},
        medicine | {"id": "m2", "status": "active"},
        {"resourceType": "MedicationRequest", "doNotPerform": True, "id": "m3",
         "medicationCodeableConcept": {"text": "Aspirin"}},
        {"resourceType": "Procedure", "id": "p1", "notDone": True, "code": {"text": "Biopsy"},
         "status": "suspended"},
        {"resourceType": "MedicationRequest", "id": "m4",
         "contained": [{"resourceType": "Medication", "id": "in", "ingredient": [
             {"itemCodeableConcept": {"text": "Salicylic acid"}},
             {"itemCodeableConcept": {"text": "Petrolatum"}}]}],
         "medicationReference": {"reference": "#in"}},
        {"resourceType": "Immunization", "id": "i1", "vaccineCode": coded("UNK", null) |
         {"text": "Cholera"}},
        observation("o1", "82810-3", 1, "1", "2026-01-01", category=[]),
    )  # fmt: skip
    assert told["passed"] == {"denied": 3}
    assert told["version"] == "STU3"
    found = [(one["text"], one["code"], one["status"]) for one in told["facts"]]
    assert found == [
        ("Latex", "", ""), ("No known distant metastases", "", ""),
        ("Amoxicillin", "", "not-taken"), ("Amoxicillin", "", "active"),
        ("Biopsy", "", "not-done"), ("Salicylic acid, Petrolatum", "", ""), ("Cholera", "", ""),
    ]  # fmt: skip


def test_elements_of_a_wrong_type_are_passed_by(tmp_path):
    bundle = {"resourceType": "Bundle", "entry": [
        {"resource": {"resourceType": ["Patient"], "meta": "x", "text": 7}},
        {"resource": {"resourceType": "Observation", "meta": ["x"], "code": 1e308}},
        {"resource": condition("c1", "Asthma", meta=True) | {"text": {"div": ["no"]}}},
        {"resource": {"resourceType": "Composition", "author": {"reference": "PractitionerRole/r"},
                      "section": [{"title": {}, "entry": [{"reference": "Composition/-"}]}]}},
        {"resource": {"resourceType": "PractitionerRole", "id": "r",
                      "practitioner": {"reference": "PractitionerRole/r"},
                      "organization": {"reference": "PractitionerRole/r"}}},
    ]}  # fmt: skip
    file = tmp_path / "a.json"
    file.write_text(json.dumps(bundle))
    told = foreign.read(str(file), "application/fhir+json", str(tmp_path))
    assert [one["text"] for one in told["facts"]] == ["Asthma"]
    assert readable.read(str(file), "application/fhir+json", str(tmp_path))["parts"] == 1


def test_an_alphabet_that_nobody_knows_is_damage(tmp_path):
    file = tmp_path / "a.xml"
    for name in ("x-nothing", "y" * 500, "utf-7"):
        file.write_text(f'<?xml version="1.0" encoding="{name}"?><ClinicalDocument {V3}/>')
        assert kinds.examine(str(file))["problem"] == "damaged"
