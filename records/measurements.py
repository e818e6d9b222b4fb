"""Measurements of reviewers: who may save, who sees them, and the SR that is made of them.

SECURITY: one reviewer's measurements are an opinion. They are seen by their author, and by a
quality reviewer once their author reads the case unsealed; by no other reader, not by the patient
and not by coordinators. They never become images of the case file.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from records.dicom import measured, metadata
from records.dicom.measured import Measured, NotMeasurements
from records.dicom.values import EXPLICIT_LE, Attributes, alias_uid, text
from records.imaging import View
from records.models import AccessGrant, CaseFile, ImagingInstance, MeasurementReport
from secondop.audit.trail import note
from secondop.lib.verdicts import YES, Verdict, never, not_now

MAX_REPORTS = 500  # of one reviewer in one case file
MAX_SERIES = 50


def may_save(user: Any, case_file: CaseFile) -> Verdict:
    """Somebody who reads under a live grant. Patient and clinic measure for themselves alone."""
    if not AccessGrant.objects.live().filter(case_file=case_file, to=user).exists():
        return never(_("Only a doctor who reviews this case can save measurements."))
    mine = MeasurementReport.objects.filter(case_file=case_file, by=user)
    if mine.count() >= MAX_REPORTS:
        return not_now(_("You have saved as many measurements as fit in one case."))
    return YES


def seen_by(view: View) -> QuerySet[MeasurementReport]:
    """The reports this reader may see."""
    reports = MeasurementReport.objects.filter(case_file_id=view.case_file.pk)
    own = Q(by=view.user.pk)
    if view.is_sealed or not _checks_quality(view):
        return reports.filter(own)
    still_sealed = AccessGrant.objects.live().filter(
        case_file_id=view.case_file.pk, sight=AccessGrant.Sight.SEALED
    )
    return reports.filter(own | ~Q(by__in=still_sealed.values("to")))


def _checks_quality(view: View) -> bool:
    grants = AccessGrant.objects.live().filter(case_file_id=view.case_file.pk, to=view.user.pk)
    return grants.filter(as_role="quality_reviewer", sight=AccessGrant.Sight.FULL).exists()


# --- saving --------------------------------------------------------------------------------------
def save(view: View, report: Measured, *, by: Any) -> MeasurementReport:
    """Keep what was measured, in true UIDs. The same report again changes nothing.

    Raises: NotMeasurements when it measures on what this reader does not see.
    """
    study = view.studies().filter(**_named(view, "StudyInstanceUID", [report.study_uid])).first()
    rows = list(
        view.instances()
        .filter(**_named(view, "SOPInstanceUID", report.references))
        .select_related("study", "series", "pack")
    )
    names = {_called(view, row): row.SOPInstanceUID for row in rows}
    if study is None or set(report.references) - set(names):
        raise NotMeasurements
    names |= _frames_of_reference(view, study, report.frames_of_reference)
    numbers = {row.SOPInstanceUID: row.InstanceNumber for row in rows}
    content = measured.renamed(report.content, names)
    items = measured.items_of(content)
    for item in items:
        item["image"] = numbers.get(item.pop("instance"))
    values = {
        "clinic_id": view.case_file.clinic_id,
        "study": study,
        "by": by,
        "sight": view.sight,
        "SeriesInstanceUID": _own_uid(by, report.series_uid),
        "SOPClassUID": report.class_uid,
        "series_number": report.series_number,
        "title": report.title,
        "content": content,
        "evidence": [
            [row.study.StudyInstanceUID, row.series.SeriesInstanceUID, row.SOPInstanceUID,
             row.SOPClassUID]
            for row in rows
        ],
        "items": items,
    }  # fmt: skip
    with transaction.atomic():
        kept, is_new = MeasurementReport.objects.get_or_create(
            case_file=view.case_file,
            SOPInstanceUID=_own_uid(by, report.instance_uid),
            defaults=values,
        )
        if is_new:
            note("measurements.saved", by=by, about=kept, count=len(items), sight=view.sight)
    return kept


def _named(view: View, keyword: str, uids: list[str]) -> dict[str, Any]:
    return {f"{'alias_uid' if view.is_sealed else keyword}__in": uids}


def _called(view: View, row: ImagingInstance) -> str:
    return row.alias_uid if view.is_sealed else row.SOPInstanceUID


def _own_uid(by: Any, uid: str) -> str:
    """SECURITY: a name of ours, different for each reviewer, so that none can be met or probed."""
    key = salted_hmac("records.measurements", str(by.pk), algorithm="sha256").digest()
    return alias_uid(key, uid)


def _frames_of_reference(view: View, study: Any, wanted: list[str]) -> dict[str, str]:
    """What the reader calls a frame of reference -> its true UID, among the study's series."""
    if not wanted:
        return {}
    found = {}
    for series in view.series().filter(study=study)[:MAX_SERIES]:
        one = view.instances().filter(series=series).select_related("pack").first()
        true = text(metadata.true_header_of(one), "00200052") if one else ""
        if true:
            found[alias_uid(view.key, true) if view.is_sealed else true] = true
    return {name: true for name, true in found.items() if name in wanted}


# --- telling -------------------------------------------------------------------------------------
def series_row(view: View, report: MeasurementReport) -> Attributes:
    """What QIDO tells of the series that holds one report."""
    return {
        "00080060": {"vr": "CS", "Value": ["SR"]},
        "0008103E": {"vr": "LO", "Value": [report.title or "Measurements"]},
        "0020000D": {"vr": "UI", "Value": [_study_uid(view, report)]},
        "0020000E": {"vr": "UI", "Value": [report.SeriesInstanceUID]},
        "00200011": {"vr": "IS", "Value": [report.series_number]},
        "00201209": {"vr": "IS", "Value": [1]},
    }


def _study_uid(view: View, report: MeasurementReport) -> str:
    return report.study.alias_uid if view.is_sealed else report.study.StudyInstanceUID


def whole(view: View, report: MeasurementReport) -> Attributes:
    """The report as a data set of ours for this sight, with its true observer."""
    name = (lambda uid: alias_uid(view.key, uid)) if view.is_sealed else (lambda uid: uid)
    true = [*_true_uids(report.content)]
    content = measured.renamed(report.content, {uid: name(uid) for uid in true})
    at = report.saved_at
    own: Attributes = {
        "00080005": {"vr": "CS", "Value": ["ISO_IR 192"]},
        "00080016": {"vr": "UI", "Value": [report.SOPClassUID]},
        "00080018": {"vr": "UI", "Value": [report.SOPInstanceUID]},
        "00080023": {"vr": "DA", "Value": [at.strftime("%Y%m%d")]},
        "00080033": {"vr": "TM", "Value": [at.strftime("%H%M%S")]},
        "00080070": {"vr": "LO", "Value": ["SecondOp"]},
        "00083002": {"vr": "UI", "Value": [EXPLICIT_LE]},
        "00200013": {"vr": "IS", "Value": [1]},
        "0040A375": {"vr": "SQ", "Value": _evidence(report, name)},
        "0040A491": {"vr": "CS", "Value": ["COMPLETE"]},
        "0040A493": {"vr": "CS", "Value": ["UNVERIFIED"]},
    }
    of_study = view.header(report.study.search)
    told = of_study | measured.observed_by(content, _observer(report)) | own
    told |= series_row(view, report)
    told.pop("00201209")
    return dict(sorted(told.items()))


def _observer(report: MeasurementReport) -> str:
    return " ".join((report.by.full_name or "Reviewer").split())


def _true_uids(content: Attributes) -> list[str]:
    found: list[str] = []
    for tag, element in content.items():
        if element["vr"] == "SQ":
            for item in element.get("Value", []):
                found += _true_uids(item)
        elif tag in (measured.INSTANCE_UID, measured.FRAME_OF_REFERENCE):
            found += element.get("Value", [])
    return found


def _evidence(report: MeasurementReport, name: Any) -> list[Attributes]:
    """Source: PS3.3 C.17.2, Current Requested Procedure Evidence Sequence."""

    def uid(value: str) -> dict[str, Any]:
        return {"vr": "UI", "Value": [value]}

    studies: dict[str, dict[str, list[Attributes]]] = {}
    for study, series, instance, class_uid in report.evidence:
        one = {"00081150": uid(class_uid), "00081155": uid(name(instance))}
        studies.setdefault(study, {}).setdefault(series, []).append(one)
    return [
        {
            "0020000D": uid(name(study)),
            "00081115": {
                "vr": "SQ",
                "Value": [
                    {"0020000E": uid(name(series)), "00081199": {"vr": "SQ", "Value": instances}}
                    for series, instances in by_series.items()
                ],
            },
        }
        for study, by_series in studies.items()
    ]
