"""Canaries in every carrier the product has: images, and each private column of each table.

A new table with private words is planted by itself; what cannot be is in `EXEMPT`, with the reason.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.apps import apps
from django.db import DatabaseError, models, transaction
from django.utils import timezone

from records.dicom.ingest import Batch
from records.models import IdentityCheck, ImagingSeries
from tests.records.dicom.samples import as_bytes, ct

OURS = ("accounts", "notifications", "records", "requests_app", "specialists")
STUDY, SERIES = "1.2.826.0.1.3680043.10.1", "1.2.826.0.1.3680043.10.1.1"
HEADERS = ("StudyDescription", "SeriesDescription", "ProtocolName", "PatientComments",
           "RequestedProcedureDescription", "ReasonForTheRequestedProcedure", "ImageComments",
           "AdmittingDiagnosesDescription", "InstitutionName", "ReferringPhysicianName",
           "AdditionalPatientHistory")  # fmt: skip
SR, ENCAPSULATED = "1.2.840.10008.5.1.4.1.1.88.11", "1.2.840.10008.5.1.4.1.1.104.1"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"

# Private columns that hold no sealed words in these worlds, and why.
EXEMPT = {
    "records.SafetyFacts": "always shown: hiding what could harm somebody is worse",
    "records.IcdCode": "a public catalogue, the same in every world",
    "requests_app.Question": "neutral words, written by a coordinator for sealed readers",
    "requests_app.PatientStatement": "neutral words, written by a coordinator for sealed readers",
    "specialists.Opinion": "the reader's own words; the colleague's are planted",
    **dict.fromkeys(
        (
            "specialists.Seal",
            "specialists.OpinionRevision",
            "specialists.Comparison",
            "specialists.Answer",
            "specialists.TreatmentOption",
        ),
        "parts of an opinion: the reader's own words; the colleague's are written and sealed",
    ),
    **dict.fromkeys(
        (
            "records.RecordRequestItem",
            "records.RecordRequestEvent",
            "records.Authorization",
            "records.HolderLink",
        ),
        "hang from a request for records; the holder is planted, no specialist's page reads them",
    ),
    "records.ImagingInstance": "planted through the objects that are stored",
    "records.ImagingSeries": "planted through the objects that are stored",
    "records.ImagingStudy": "planted through the objects that are stored",
}


# What a constraint asks for beside the private words.
BESIDE: dict[str, dict[str, Any]] = {
    "requests_app.FollowUpQuestion": {"answered_at": timezone.now(), "answered_by": "person"},
    "specialists.QualityCheck": {"ended_at": timezone.now()},
    "specialists.Panel": {"answered_at": timezone.now()},
}


def store_images(case: Any, secret: Any) -> None:
    """A cleared series whose every header text is secret; its pictures are the same in each world.

    The pixels of a cleared series are what a person looked at, so they are shown.
    """
    files = []
    for number in (1, 2):
        words = {name: secret(f"header {name}")[:60] for name in HEADERS}
        data = ct(number, study=STUDY, series=SERIES, **words)
        data.SOPInstanceUID = f"{SERIES}.{number}"
        block = data.private_block(0x0099, "VENDOR", create=True)
        block.add_new(1, "LO", secret("private tag")[:60])
        files.append(as_bytes(data))
    _store(case, *files)
    ImagingSeries.objects.filter(case_file=case.case_file).update(
        blinding_class="clear", classified_by=case.started_by, classified_at=timezone.now()
    )


def hide_images(case: Any, secret: Any) -> None:
    """Series that nobody cleared, in the same study and in others: pictures, SR, PDF, capture."""
    kinds = ("", SR, ENCAPSULATED, SECONDARY_CAPTURE)
    for n in range(secret.count):
        study = STUDY if n % 2 else f"1.2.826.0.1.3680043.10.{n + 2}"
        data = ct(1, study=study, series=f"{study}.{n + 70}",
                  SeriesDescription=secret("hidden series")[:60])  # fmt: skip
        data.SOPInstanceUID = f"{study}.{n + 70}.1"
        if kind := kinds[n % len(kinds)]:
            data.SOPClassUID = kind
        if kind in (SR, ENCAPSULATED):
            del data.PixelData
            data.Modality = "SR" if kind == SR else "DOC"
        if kind == ENCAPSULATED:
            data.DocumentTitle = secret("encapsulated title")[:60]
            data.MIMETypeOfEncapsulatedDocument = "application/pdf"
            data.EncapsulatedDocument = f"%PDF-1.4 {secret('encapsulated')} ".encode()
        if kind == SR:
            data.TextValue = secret("sr text")
        _store(case, as_bytes(data))
    IdentityCheck.objects.filter(case_file=case.case_file).update(
        told=[{"name": secret("identity name")}], reason=secret("identity reason")[:300]
    )


def _store(case: Any, *files: bytes) -> None:
    with Batch(case.case_file, by=case.started_by) as batch:
        for file in files:
            batch.begin()
            batch.write(file)
            batch.finish()
        results = batch.close()
    assert [result.problem for result in results] == [""] * len(files), results


# --- every other table ----------------------------------------------------------------------------


def private_columns(model: Any) -> list[models.Field]:
    names = getattr(getattr(model, "Privacy", None), "private", set())
    return [model._meta.get_field(name) for name in sorted(names)]


def _is_text(column: models.Field) -> bool:
    texts = (models.CharField, models.TextField, models.JSONField)
    return isinstance(column, texts) and not column.choices


def carriers() -> list[Any]:
    """Our tables with private words."""
    found = [model for model in apps.get_models() if model._meta.app_label in OURS]
    return [model for model in found if any(_is_text(c) for c in private_columns(model))]


def unplanted(word: str) -> list[str]:
    """Tables with private words in which no row holds `word`, without those that are exempt."""
    missing = []
    for model in carriers():
        rows = model._default_manager.values_list(*[c.name for c in private_columns(model)])
        if model._meta.label not in EXEMPT and not any(word in repr(row) for row in rows):
            missing.append(model._meta.label)
    return missing


def plant_the_rest(case: Any, secret: Any, people: list[Any]) -> None:
    """One row (or `count`) in each table with private words that nothing else has filled.

    Values are made from the columns; a table whose rules refuse such a row is named by
    `unplanted` and must be planted by hand or be exempt.
    """
    case.waivers.update(reason=secret("waiver")[:500])  # the walk made some
    for model in sorted(carriers(), key=lambda one: one._meta.label):
        if model._meta.label in EXEMPT or _has_rows(model, case):
            continue
        for n in range(min(secret.count, 2)):
            try:
                with transaction.atomic():
                    model._default_manager.bulk_create([_made(model, case, secret, people, n)])
            except DatabaseError:
                break


def _has_rows(model: Any, case: Any) -> bool:
    names = {field.name for field in model._meta.concrete_fields}
    rows = model._default_manager.all()
    if "case_file" in names:
        rows = rows.filter(case_file=case.case_file_id)
    elif "opinion_request" in names:
        rows = rows.filter(opinion_request=case)
    return bool(rows.exists())


def _made(model: Any, case: Any, secret: Any, people: list[Any], n: int) -> Any:
    texts = {column.name for column in private_columns(model) if _is_text(column)}
    values = {
        column.name: _value(column, case, secret, people, n, column.name in texts)
        for column in model._meta.concrete_fields
        if not column.primary_key or column.remote_field
    }
    person = people[n % len(people)]
    for name, value in BESIDE.get(model._meta.label, {}).items():
        values[name] = person if value == "person" else value
    return model(**{name: value for name, value in values.items() if value is not None})


def _value(
    column: Any, case: Any, secret: Any, people: list[Any], n: int, is_text: bool
) -> Any:  # fmt: skip
    if column.remote_field:
        return None if column.null else _row_for(column.remote_field.model, case, secret, people, n)
    if is_text:
        words = secret(f"{column.model.__name__} {column.name} {n}")
        if isinstance(column, models.JSONField):
            return [words] if column.default is list else {"words": words}
        return words[: column.max_length]
    if column.null or column.has_default() or column.db_default is not models.NOT_PROVIDED:
        return None
    return _plain_value(column, case, n)


def _plain_value(column: Any, case: Any, n: int) -> Any:
    """Something that fits the column and says nothing."""
    if column.choices:
        return next(code for code, _label in column.flatchoices if code)
    made = {
        models.DateTimeField: timezone.now() + timedelta(days=40),
        models.DateField: date(2026, 1, 1),
        models.BooleanField: False,
        models.IntegerField: n + 1,
        models.FloatField: n + 1,
        models.UUIDField: case.case_file_id,
    }
    for kind, value in made.items():
        if isinstance(column, kind):
            return value
    return f"{column.name} {n}"[: column.max_length or 40]


def _row_for(model: Any, case: Any, secret: Any, people: list[Any], n: int) -> Any:
    """A row of the case that such a column may point at; one is made when there is none."""
    known: dict[str, Any] = {
        "Clinic": case.clinic,
        "CaseFile": case.case_file,
        "OpinionRequest": case,
        "User": people[n % len(people)],
        "Patient": case.case_file.patient,
    }
    if model.__name__ in known:
        return known[model.__name__]
    rows = model._default_manager.all()
    names = {field.name for field in model._meta.concrete_fields}
    if "case_file" in names:
        rows = rows.filter(case_file=case.case_file_id)
    found = rows.order_by("pk")[n : n + 1] or rows.order_by("pk")[:1]
    if found:
        return found[0]
    return model._default_manager.bulk_create([_made(model, case, secret, people, n)])[0]
