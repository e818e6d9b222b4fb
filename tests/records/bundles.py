"""FHIR bundles of nobody, and reading the facts in them."""

from __future__ import annotations

import json

from records.models import Document
from records.models.facts import FactsReading
from records.tasks import read_facts


def nobody_s_bundle(*resources: dict, **fields) -> bytes:
    """A bundle that names no patient, so that there is nobody to compare."""
    entries = [{"resource": resource} for resource in resources]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}).encode()


def observation(pk: str, code: str, value: float, unit: str, on: str, **more) -> dict:
    return {
        "resourceType": "Observation", "id": pk, "status": "final",
        "category": [{"coding": [{"code": "laboratory"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": code}], "text": "a test"},
        "valueQuantity": {"value": value, "unit": unit}, "effectiveDateTime": on, **more,
    }  # fmt: skip


def condition(pk: str, text: str, **more) -> dict:
    return {"resourceType": "Condition", "id": pk, "code": {"text": text}, **more}


def read(document: Document) -> FactsReading:
    read_facts(str(document.facts_reading.pk))
    return FactsReading.objects.get(document=document)
