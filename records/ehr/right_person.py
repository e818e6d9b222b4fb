"""Whose records these are: who is known there, whom the answer is about."""

from __future__ import annotations

import json
from tempfile import NamedTemporaryFile
from typing import Any

from django.db import transaction

from records import identity_checks
from records.ehr.client import ID, Fhir, NotGiven, SignInEnded, plain
from records.ehr.searches import BESIDE, Search
from records.guard import Limits, Refusal, run_guarded
from records.models import EhrPull, IdentityCheck
from secondop.jobs.models import PermanentFailure, TemporaryFailure

MOST = 20
LIMITS = Limits(cpu_seconds=10)


def candidates(fhir: Fhir, pull: EhrPull) -> list[dict[str, str]]:
    """Whom the server means by a number of its own, or by a name and a birth date."""
    number = pull.query.get("number", "")
    try:
        if number:
            found = [fhir.get(fhir.address(f"Patient/{number}"))]
        else:
            query = {"name": pull.query["name"], "birthdate": pull.query["born_on"]}
            bundle = fhir.get(fhir.address("Patient", {**query, "_count": str(MOST)}))
            found = [entry.get("resource") or {} for entry in bundle.get("entry") or []]
    except SignInEnded:
        raise PermanentFailure("peer_refuses_us") from None
    except NotGiven as no:
        if no.status in (403, 400):
            raise PermanentFailure("peer_refuses_us") from None
        found = []
    known = [one for one in found if one.get("resourceType") == "Patient"]
    return [
        {"id": str(one["id"])} | (told_by(one) or [{}])[0]
        for one in known[:MOST]
        if ID.fullmatch(str(one.get("id", "")))
    ]


def told_by(patient: dict[str, Any]) -> list[dict[str, str]]:
    """Whom a Patient resource names, read in the guarded child as of any record."""
    with NamedTemporaryFile(prefix="patient-", suffix=".json") as file:
        file.write(json.dumps(patient).encode())
        file.flush()
        told = run_guarded(
            "records.foreign_identity:people", file.name, "application/fhir+json", limits=LIMITS
        )
    if isinstance(told, Refusal):
        raise TemporaryFailure("answer_unreadable")
    return [{key: plain(said, 150) for key, said in one.items()} for one in told]


def is_somebody_else(pull: EhrPull, patient: dict[str, Any]) -> bool:
    """What the guard would say of a document with this patient in it."""
    told = told_by(patient)
    with transaction.atomic():
        found = identity_checks.examine(pull.case_file, told, IdentityCheck.Source.FHIR)
    return found.is_holding


def entries_of(
    bundle: dict[str, Any], search: Search, patient: str
) -> tuple[list[dict[str, Any]], int]:
    """What was asked for and what it points to, without whatever is about somebody else."""
    found: list[dict[str, Any]] = []
    foreign = 0
    for entry in bundle.get("entry") or []:
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(resource, dict):
            continue
        if resource.get("resourceType") in BESIDE:
            found.append(resource)
        elif resource.get("resourceType") == search.resource:
            if is_about(resource, patient):
                found.append(resource)
            else:
                foreign += 1
    return found, foreign


def is_about(resource: dict[str, Any], patient: str) -> bool:
    """SECURITY: a server that answers with the records of another patient is not believed."""
    subject = resource.get("subject") or resource.get("patient") or {}
    reference = str(subject.get("reference") or "") if isinstance(subject, dict) else ""
    if not reference:
        return True  # all that was asked for was this patient's
    whole = reference.partition("/_history/")[0]
    return whole.rpartition("/")[2].rpartition(":")[2] == patient
