"""From what came to documents: one FHIR bundle for each group, and each file by itself.

Groups are apart so that lab results can be shown to a reader from whom the diagnoses are withheld.
Each bundle carries the Patient, so the wrong-patient guard compares it like any other record.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from records import arrivals
from records.ehr.client import plain
from records.ehr.searches import FILE, GROUPS, PATIENT, Group
from records.facts.reading import KINDS, day_of
from records.models import (
    Document,
    DocumentKind,
    DocumentName,
    EhrPage,
    EhrPull,
    RecordRequest,
    RecordRequestItem,
    Screening,
)
from secondop.audit.trail import note
from secondop.jobs.models import PermanentFailure
from secondop.jobs.ring import ring
from secondop.lib.storage import new_key
from secondop.lib.verdicts import Refused

PART_RESOURCES = 2000  # of one document; the guarded child reads it whole
PART_BYTES = 24 * 1024**2
IMAGES_SHOWN = 50


@dataclass
class Packed:
    """One document to be: its bytes stand in storage."""

    group: str
    name: str
    kind: str
    key: str
    size_bytes: int
    sha256: str


def resources_of(pull: EhrPull, search: str) -> list[dict[str, Any]]:
    """What came of one search, each resource once, in a steady order."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    rows = pull.pages.filter(search=search).exclude(key="")
    for row in sorted(rows, key=lambda row: int(row.mark)):
        with default_storage.open(row.key) as stored:
            for resource in json.loads(stored.read()):
                found[str(resource["resourceType"]), str(resource.get("id"))] = resource
    return [found[at] for at in sorted(found)]


def bundle_of(pull: EhrPull, resources: list[dict[str, Any]]) -> bytes:
    """The same records give the same bytes, so a second pull of them is known by its hash."""
    root = pull.ehr.address.rstrip("/")
    entries = [
        {"fullUrl": f"{root}/{one['resourceType']}/{one.get('id')}", "resource": one}
        for one in resources
    ]
    whole = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    return json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode(
        "utf-8", "replace"
    )


def _parts(resources: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    part: list[dict[str, Any]] = []
    size = 0
    for resource in resources:
        weight = len(json.dumps(resource))
        if part and (len(part) >= PART_RESOURCES or size + weight > PART_BYTES):
            yield part
            part, size = [], 0
        part.append(resource)
        size += weight
    if part:
        yield part


def close(pull: EhrPull) -> None:
    """Documents, their screening, the ledger and the end of the job: all of it or nothing."""
    patient = resources_of(pull, PATIENT.name)[0]
    packed: list[Packed] = []
    try:
        for group in GROUPS:
            packed += _packed(pull, group, patient)
        images = _images(resources_of(pull, "ImagingStudy"))
        with transaction.atomic():
            record_request = _admitted(pull)
            with pull.closing():
                count, size = _receive(pull, packed)
                EhrPull.objects.filter(pk=pull.pk).update(
                    images=images, sealed="", query={}, told={}
                )
                note("ehr.received", by=pull.by, about=pull, documents=count)
                if record_request and count:
                    _answer(record_request, count, size)
    except BaseException:
        for one in packed:
            default_storage.delete(one.key)
        raise


def _packed(pull: EhrPull, group: Group, patient: dict[str, Any]) -> list[Packed]:
    found = [one for search in group.searches for one in resources_of(pull, search)]
    packed = []
    for number, part in enumerate(_parts(found), start=1):
        body = bundle_of(pull, [patient, *part])
        key = default_storage.save(new_key("documents"), ContentFile(body))
        ending = f" {number}" if number > 1 else ""
        name = plain(f"{group.title}{ending} - {pull.ehr.title}", 200) + ".json"
        packed.append(Packed(group.title, name, group.kind, key, len(body),
                             hashlib.sha256(body).hexdigest()))  # fmt: skip
    return packed


def _admitted(pull: EhrPull) -> RecordRequest | None:
    """SECURITY: whoever takes a permission back locks the same row first."""
    if not pull.record_request_id:
        return None
    try:
        return arrivals.admit(pull.record_request_id)
    except Refused:
        raise PermanentFailure("permission_ended") from None


def _receive(pull: EhrPull, packed: list[Packed]) -> tuple[int, int]:
    """How many documents are new, and their bytes. What is here already is not doubled."""
    here = _here(pull)
    parents: dict[str, str] = {}  # group -> the first document of it
    count = size = 0
    for one in packed:
        if one.sha256 in here:
            default_storage.delete(one.key)
            parents.setdefault(one.group, here[one.sha256])
            continue
        document = _document(pull, one, {"sent_sha256": one.sha256})
        here[one.sha256] = str(document.pk)
        parents.setdefault(one.group, str(document.pk))
        count, size = count + 1, size + one.size_bytes
    of_search = {search: group.title for group in GROUPS for search in group.searches}
    for row in pull.pages.filter(search=FILE).exclude(key=""):
        told = row.told
        if told["sha256"] in here:
            continue  # its bytes go with the page
        findings = {"sent_sha256": told["sha256"], "depth": 1}
        if parent := parents.get(of_search[told["search"]]):
            findings["taken_from"] = parent
        name = told["title"] or str(DocumentKind.OTHER.label)
        kind = KINDS.get(told["code"], DocumentKind.OTHER)
        one = Packed("", name, kind, row.key, row.size_bytes, told["sha256"])
        document = _document(pull, one, findings, on=told["on"])
        here[one.sha256] = str(document.pk)
        EhrPage.objects.filter(pk=row.pk).update(key="")  # the bytes are the document's now
        count, size = count + 1, size + one.size_bytes
    return count, size


def _here(pull: EhrPull) -> dict[str, str]:
    """Hashes of what the case file holds or is just looking at -> id."""
    kept = Document.objects.filter(case_file=pull.case_file_id).exclude(
        status__in=["removed", "rejected"]
    )
    found: dict[str, str] = {}
    for pk, sha256, findings in kept.values_list("pk", "sha256", "findings"):
        for digest in (sha256, str(findings.get("sent_sha256", ""))):
            if digest:
                found[digest] = str(pk)
    return found


def _document(pull: EhrPull, one: Packed, findings: dict[str, Any], *, on: str = "") -> Document:
    by_id = None if pull.record_request_id else pull.by_id
    document = Document.objects.create(
        clinic_id=pull.case_file.clinic_id, case_file_id=pull.case_file_id, by_id=by_id,
        record_request_id=pull.record_request_id, kind=one.kind, dated_on=day_of(on),
        size_bytes=one.size_bytes, key=one.key, findings=findings,
    )  # fmt: skip
    DocumentName.objects.create(
        document=document, clinic_id=document.clinic_id, case_file_id=document.case_file_id,
        file_name=one.name,
    )  # fmt: skip
    ring(Screening.objects.create(document=document, clinic_id=document.clinic_id))
    note("document.received", by=pull.by, about=document, size_bytes=one.size_bytes)
    return document


def _answer(record_request: RecordRequest, count: int, size_bytes: int) -> None:
    """The ask is answered. Images never come this way, so an ask for images is answered in part."""
    arrivals.arrived(record_request, count=count, size_bytes=size_bytes, what="document")
    wants_images = record_request.items.exclude(form=RecordRequestItem.Form.REPORTS).exists()
    if not wants_images and record_request.status != RecordRequest.Status.RECEIVED:
        arrivals.move(record_request, RecordRequest.Status.RECEIVED, by_holder=True)


def hold(pull: EhrPull, patient: dict[str, Any]) -> None:
    """Keep what names the other person, and nothing of their health: the guard holds it, and a
    coordinator decides. When it is the patient after all, the pull is begun again."""
    body = bundle_of(pull, [patient])
    digest = hashlib.sha256(body).hexdigest()
    with transaction.atomic():
        pull.heartbeat()
        if digest in _here(pull):
            return
        key = default_storage.save(new_key("documents"), ContentFile(body))
        name = plain(f"Patient - {pull.ehr.title}", 200) + ".json"
        one = Packed("", name, DocumentKind.OTHER, key, len(body), digest)
        _document(pull, one, {"sent_sha256": digest})


def _images(studies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Scans that exist there: the pictures do not come by FHIR, so somebody must ask for them."""
    found = []
    for study in studies:
        if study.get("status") in ("entered-in-error", "cancelled"):
            continue
        series = [one for one in study.get("series") or [] if isinstance(one, dict)]
        kinds = [one.get("modality") or {} for one in series] + (study.get("modality") or [])
        body = [(one.get("bodySite") or {}).get("display") for one in series]
        procedure = [(p or {}).get("text") for p in study.get("procedureCode") or []]
        words = study.get("description") or next(filter(None, [*procedure, *body]), "")
        found.append({
            "on": str(study.get("started") or "")[:10], "what": plain(str(words or ""), 120),
            "modalities": sorted({plain(str(k.get("code") or ""), 16) for k in kinds} - {""})[:5],
            "count": study.get("numberOfInstances") or 0,
            "has_endpoint": bool(study.get("endpoint") or any(s.get("endpoint") for s in series)),
        })  # fmt: skip
    return sorted(found, key=lambda one: str(one["on"]), reverse=True)[:IMAGES_SHOWN]
