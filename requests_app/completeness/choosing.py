"""Which checklists a request is held to, and how complete it is by them.

A request keeps the versions it was given when it was sent: a clinic that changes a checklist
afterwards changes nothing for requests that are under way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import Any

from django.db import transaction
from django.utils import timezone

from records.blinding_search.terms import concepts_of, meant_by
from records.blinding_search.words import folded
from records.models import OriginalDiagnosis
from requests_app.completeness import definition
from requests_app.completeness.definition import Checklist
from requests_app.completeness.evaluating import Completeness, evaluate
from requests_app.completeness.evidence import gather
from requests_app.models import ChecklistVersion, OpinionRequest, RequestChecklist

CORE = "core"


@lru_cache(maxsize=256)
def read(content: str) -> Checklist:
    """A stored checklist is one that was accepted, so this does not fail."""
    return definition.read(content)


@lru_cache(maxsize=1)
def _shipped() -> dict[str, Checklist]:
    return {key: read(text) for key, text in definition.shipped().items()}


def current_of(clinic_id: Any) -> dict[str, Checklist]:
    """The checklists a new request at this clinic would be held to: its own, else the shipped."""
    own = ChecklistVersion.objects.filter(clinic_id=clinic_id, is_current=True)
    return _shipped() | {row.key: read(row.content) for row in own}


def wanted(opinion_request: OpinionRequest, known: Iterable[Checklist]) -> list[str]:
    """The keys that fit: the core, then by diagnosis (code or words), then by purpose."""
    told = OriginalDiagnosis.objects.filter(case_file=opinion_request.case_file_id).first()
    code = told.icd10_code if told else ""
    said = folded(told.diagnosis) if told else ""
    lists = concepts_of(opinion_request.clinic_id) if told else []
    meant = {concept.key for concept in meant_by(told, lists)} if told else set()
    fitting = [
        checklist.key
        for checklist in known
        if checklist.key in meant
        or (code and code.startswith(checklist.codes))
        or any(folded(word) in said for word in checklist.words)
        or set(checklist.purposes) & set(opinion_request.purposes)
    ]
    return [CORE, *(key for key in fitting if key != CORE)]


@transaction.atomic
def hold_to(opinion_request: OpinionRequest, keys: list[str] | None = None, by: Any = None) -> None:
    """Hold a request to today's versions. What it is held to already stays as it is.

    Without `keys`: what fits. With them: exactly these; others are taken off.
    """
    known = current_of(opinion_request.clinic_id)
    chosen = wanted(opinion_request, known.values()) if keys is None else [CORE, *keys]
    rows = RequestChecklist.objects.filter(opinion_request=opinion_request)
    if keys is not None:
        rows.exclude(checklist__key__in=chosen).delete()
    held = set(rows.values_list("checklist__key", flat=True))
    for key in chosen:
        if key in known and key not in held:
            RequestChecklist.objects.create(
                clinic_id=opinion_request.clinic_id, opinion_request=opinion_request,
                checklist=version_of(opinion_request.clinic_id, key), chosen_by=by,
            )  # fmt: skip
            held.add(key)


def version_of(clinic_id: Any, key: str) -> ChecklistVersion:
    """The clinic's current row of a checklist; the shipped one becomes a row when first used."""
    own = ChecklistVersion.objects.filter(clinic_id=clinic_id, key=key, is_current=True).first()
    if own:
        return own
    content = definition.shipped()[key]
    row, _is_new = ChecklistVersion.objects.get_or_create(
        clinic_id=clinic_id, key=key, version=_shipped()[key].version,
        defaults={"content": content, "sha256": sha256(content), "is_current": True},
    )  # fmt: skip
    return row


def text_of(clinic_id: Any, key: str) -> str:
    """The text of the checklist in use; of one that does not exist yet, something to begin with."""
    own = ChecklistVersion.objects.filter(clinic_id=clinic_id, key=key, is_current=True).first()
    return own.content if own else definition.shipped().get(key, definition.shipped()[CORE])


def sha256(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def checklists_of(opinion_request: OpinionRequest) -> list[Checklist]:
    """What the request is held to; before it is sent, what it would be."""
    rows = RequestChecklist.objects.filter(opinion_request=opinion_request)
    held = [read(row.checklist.content) for row in rows.select_related("checklist")]
    if held:
        return sorted(held, key=lambda checklist: (checklist.key != CORE, checklist.key))
    known = current_of(opinion_request.clinic_id)
    keys = wanted(opinion_request, known.values())
    return [known[key] for key in keys if key in known]


def completeness_of(opinion_request: OpinionRequest, today: date | None = None) -> Completeness:
    """How complete the records are. A fixed number of queries."""
    day = today or timezone.localdate()
    return evaluate(checklists_of(opinion_request), gather(opinion_request), day)
