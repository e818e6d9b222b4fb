"""Every change of an imaging study: a batch arrives, a person decides, a pack turns out damaged."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from records import arrivals, identity_checks
from records import imaging_rules as rules
from records.blinding_search.asking import search_item
from records.dicom import packs
from records.dicom.objects import Received, is_somebody_else
from records.dicom.values import alias_uid
from records.models import (
    CaseFile,
    ImagingIngest,
    ImagingInlet,
    ImagingInstance,
    ImagingPack,
    ImagingPreview,
    ImagingRefusal,
    ImagingSeries,
    ImagingStudy,
    RecordRequest,
)
from secondop.audit.trail import note
from secondop.jobs.ring import ring

Status = ImagingStudy.Status
Row = tuple[Received, dict[str, Any]]
COLUMNS = (
    "id",
    "clinic_id",
    "case_file_id",
    "study_id",
    "series_id",
    "pack_id",
    "SOPInstanceUID",
    "alias_uid",
    "SOPClassUID",
    "TransferSyntaxUID",
    "InstanceNumber",
    "search",
    "is_picture",
    "header_line",
    "sha256",
    "crc32",
    "offset",
    "size_bytes",
    "dataset_offset",
    "dataset_bytes",
    "frame_count",
    "frame_offsets",
    "frame_lengths",
    "pixel_problem",
)


@transaction.atomic
def store(
    case_file: CaseFile, pack: dict[str, Any], rows: list[Row], *, by: Any,
    mending: Collection[str] = (),
) -> ImagingPack:  # fmt: skip
    """Write down a stored pack and what is in it. New studies are checked, then shown or held.

    `mending` names what is here already with the same bytes, in a pack that is damaged.

    `by` is a person, the record request through whose door the images came, the archive that came
    through one before, or the way in that a coordinator made for a hospital.
    """
    door = arrivals.admit(by.pk) if isinstance(by, RecordRequest) else None
    asked = by.record_request if isinstance(by, ImagingIngest) else door
    sender = asked or by
    by = None if isinstance(sender, RecordRequest | ImagingInlet) else by
    owner = {"clinic_id": case_file.clinic_id, "case_file": case_file, "record_request": asked}
    made = ImagingPack.objects.create(**owner, **pack)
    key = bytes.fromhex(case_file.alias_key)
    by_study: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row[0].instance_uid not in mending:
            by_study[row[0].study_uid].append(row)
    copied: list[tuple[Any, ...]] = []
    lines = {id(row): line for line, row in enumerate(rows)}
    for study_uid, of_study in by_study.items():
        study = _study(case_file, study_uid, of_study, key, sender)
        by_series: dict[str, list[Row]] = defaultdict(list)
        for row in of_study:
            by_series[row[0].series_uid].append(row)
        for of_series in by_series.values():
            series = _series(case_file, study, of_series, key)
            copied += [_tuple(series, made, row, lines[id(row)], key) for row in of_series]
    _copy(copied)
    if mending:
        _mend(made, [row for row in rows if row[0].instance_uid in mending], lines)
    role = arrivals.RECORD_HOLDER if asked else ""
    size_bytes = made.size_bytes
    note(
        "imaging.received", by=by, about=made, role=role, instances=len(rows), size_bytes=size_bytes
    )
    if door:
        arrivals.arrived(door, count=len(rows), size_bytes=size_bytes, what="images")
    return made


def _mend(pack: ImagingPack, rows: list[Row], lines: dict[int, int]) -> None:
    """The same bytes came again: they stand in for the damaged ones; whole studies are shown."""
    here = ImagingInstance.objects.filter(case_file=pack.case_file)
    for row in rows:
        one = here.filter(SOPInstanceUID=row[0].instance_uid)
        one.update(pack=pack, header_line=lines[id(row)], **row[1])
    stored = here.filter(pack=pack)
    series = ImagingSeries.objects.filter(pk__in=stored.values("series"))
    series.update(revision=F("revision") + 1)  # what was made of it before is not used again
    studies = ImagingStudy.objects.filter(pk__in=stored.values("study"), problem="damaged")
    for study in studies.filter(status=Status.QUARANTINED).order_by("pk"):
        if study.instances.exclude(pack__quarantined_at=None).exists():
            continue
        study.problem = ""
        study.save(update_fields=["problem"])
        study.move_to(Status.HELD)
        study.move_to(Status.AVAILABLE)  # it was, before: only such studies are set aside
        note("imaging.mended", by=None, about=study)


def _sent_by(sender: Any) -> dict[str, Any]:
    """A study of an inlet is of the coordinator who made it; of a door, of its request."""
    if isinstance(sender, RecordRequest):
        return {"record_request": sender}
    if isinstance(sender, ImagingInlet):
        return {"by": sender.made_by, "inlet": sender}
    return {"by": sender}


def _study(case_file: CaseFile, uid: str, rows: list[Row], key: bytes, sender: Any) -> ImagingStudy:
    study, is_new = ImagingStudy.objects.get_or_create(
        case_file=case_file,
        StudyInstanceUID=uid,
        defaults={
            "clinic_id": case_file.clinic_id,
            **_sent_by(sender),
            "alias_uid": alias_uid(key, uid),
            "search": rows[0][0].study,
            "person": rows[0][0].person,
            "names_missing": any(received.names_missing for received, _fields in rows),
        },
    )
    ImagingStudy.objects.filter(pk=study.pk).update(
        instance_count=F("instance_count") + len(rows),
        size_bytes=F("size_bytes") + sum(fields["size_bytes"] for _received, fields in rows),
    )
    if is_new:
        _screen(study)
    mixed = any(is_somebody_else(study.person, received.person) for received, _fields in rows)
    if mixed and study.status == Status.AVAILABLE:
        _hold(study)
    return study


def _screen(study: ImagingStudy) -> None:
    """Look whether the new study is of the patient, and of the same person as the others."""
    study.move_to(Status.SCREENING)
    found = identity_checks.of_study(study)
    others = ImagingStudy.objects.filter(case_file=study.case_file).exclude(pk=study.pk)
    others = others.exclude(status__in=[Status.REJECTED, Status.REMOVED])  # not this patient's
    others = others.exclude(problem=identity_checks.PROBLEM)
    strangers = [other for other in others if is_somebody_else(other.person, study.person)]
    if found.verdict == identity_checks.Verdict.SAME and not found.is_holding:
        study.move_to(Status.AVAILABLE)
        return
    if found.is_holding:  # then it is this one that is the stranger, not the others
        _hold(study, identity_checks.PROBLEM)
        return
    if not strangers:
        study.move_to(Status.AVAILABLE)
        return
    _hold(study)
    for other in strangers:
        if other.status == Status.AVAILABLE:
            _hold(other)


def _hold(study: ImagingStudy, problem: str = "two_patients") -> None:
    study.problem = problem
    study.save(update_fields=["problem"])
    study.move_to(Status.HELD)
    note("imaging.held", by=None, about=study, problem=problem)


def _series(case_file: CaseFile, study: ImagingStudy, rows: list[Row], key: bytes) -> ImagingSeries:
    one = rows[0][0]
    pictures = sum(received.is_picture for received, _fields in rows)
    series, is_new = ImagingSeries.objects.get_or_create(
        study=study,
        SeriesInstanceUID=one.series_uid,
        defaults={
            "clinic_id": study.clinic_id,
            "case_file_id": study.case_file_id,
            "alias_uid": alias_uid(key, one.series_uid),
            "modality": one.modality,
            "search": one.series,
            "may_show_text": False,
        },
    )
    may_show_text = any(received.may_show_text for received, _fields in rows)
    # SECURITY: what arrives after a person cleared the series was not seen by that person.
    unseen = {"blinding_class": "", "classified_by": None, "classified_at": None}
    ImagingSeries.objects.filter(pk=series.pk).update(
        instance_count=F("instance_count") + len(rows),
        picture_count=F("picture_count") + pictures,
        has_pictures=series.has_pictures or pictures > 0,
        may_show_text=series.may_show_text or may_show_text,
        revision=F("revision") + 1,
        **({} if is_new else unseen),
    )
    search_item("imaging_series", series.pk, case_file)
    if is_new:
        ring(ImagingPreview.objects.create(series=series, clinic_id=series.clinic_id))
    return series


def _tuple(
    series: ImagingSeries, pack: ImagingPack, row: Row, line: int, key: bytes
) -> tuple[Any, ...]:
    one, fields = row
    named = {
        "id": uuid.uuid4(),
        "clinic_id": series.clinic_id,
        "case_file_id": series.case_file_id,
        "study_id": series.study_id,
        "series_id": series.pk,
        "pack_id": pack.pk,
        "SOPInstanceUID": one.instance_uid,
        "alias_uid": alias_uid(key, one.instance_uid),
        "SOPClassUID": one.class_uid,
        "TransferSyntaxUID": one.transfer_syntax,
        "InstanceNumber": one.instance_number,
        "search": one.search,
        "is_picture": one.is_picture,
        "header_line": line,
    } | fields
    return tuple(named[column] for column in COLUMNS)


def _copy(rows: list[tuple[Any, ...]]) -> None:
    """COPY: twenty times as fast as one INSERT for each row."""
    table = connection.ops.quote_name(ImagingInstance._meta.db_table)
    columns = ", ".join(map(connection.ops.quote_name, COLUMNS))
    order = f"COPY {table} ({columns}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(order) as copy:  # type: ignore[attr-defined]
        for row in rows:
            copy.write_row(row)


def note_refused(case_file: CaseFile, counts: dict[str, int], *, by: Any) -> None:
    """Remember what of a batch was not taken, for the page of who fills the case file."""
    is_inlet = isinstance(by, ImagingInlet)
    is_person = not isinstance(by, ImagingInlet | RecordRequest)
    ImagingRefusal.objects.bulk_create(
        ImagingRefusal(
            clinic_id=case_file.clinic_id,
            case_file=case_file,
            by=by if is_person else None,
            inlet=by if is_inlet else None,
            code=code,
            count=count,
        )
        for code, count in counts.items()
    )


@transaction.atomic
def classify(
    series: ImagingSeries, blinding_class: str, *, by: Any, has_seen_pictures: bool = False,
    is_agreed: bool = False,
) -> None:  # fmt: skip
    """Decide what a sealed reader gets of a series. Raises Refused."""
    series = ImagingSeries.objects.select_for_update().get(pk=series.pk)
    rules.may_classify(
        by, series, blinding_class, has_seen_pictures=has_seen_pictures, is_agreed=is_agreed
    ).or_raise()
    series.blinding_class, series.classified_by = blinding_class, by
    series.classified_at = Now()  # type: ignore[assignment]
    series.save(update_fields=["blinding_class", "classified_by", "classified_at"])
    note(
        "imaging.classified",
        by=by,
        about=series,
        blinding_class=str(blinding_class),
        has_seen_pictures=has_seen_pictures,
    )


def check_pack(pack: ImagingPack) -> bool:
    """Read a whole pack; a damaged one is named and set aside. For the nightly command."""
    if packs.is_intact(pack):
        ImagingPack.objects.filter(pk=pack.pk).update(checked_at=Now())
        return True
    quarantine_pack(pack)
    return False


@transaction.atomic
def quarantine_pack(pack: ImagingPack, *, by: Any = None) -> None:
    """A pack is damaged: name it, and set every study with bytes in it aside."""
    ImagingPack.objects.filter(pk=pack.pk, quarantined_at=None).update(quarantined_at=Now())
    note("imaging.pack_damaged", by=by, about=pack)
    studies = ImagingStudy.objects.filter(instances__pack=pack, status=Status.AVAILABLE).distinct()
    for study in studies.order_by("pk"):
        study.problem = "damaged"
        study.save(update_fields=["problem"])
        study.move_to(Status.QUARANTINED)
        note("imaging.quarantined", by=by, about=study, reason="damaged")
