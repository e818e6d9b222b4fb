"""What people decide about images after they came: closed again, let in, refused, taken back.

Clearing a series is in `imaging_workflow.classify`, beside what closes it again.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import CharField, F, Value
from django.db.models.functions import Cast, Concat

from records import imaging_rules as rules
from records.models import (
    CaseFile,
    ImagingCover,
    ImagingInstance,
    ImagingRemoval,
    ImagingSeries,
    ImagingStudy,
)
from records.models.case_file import BlindingClass
from records.proxies import on_behalf_of
from secondop.audit.trail import note
from secondop.jobs.ring import ring
from secondop.lib.transitions import transition

Status = ImagingStudy.Status


@transaction.atomic
def declassify(series: ImagingSeries, *, by: Any) -> None:
    """Undo a decision: nobody decided, so the series is closed to sealed readers."""
    series = ImagingSeries.objects.select_for_update().get(pk=series.pk)
    rules.may_declassify(by, series).or_raise()
    before = series.blinding_class
    ImagingSeries.objects.filter(pk=series.pk).update(
        blinding_class="", classified_by=None, classified_at=None
    )
    note("imaging.declassified", by=by, about=series, before=before)


@transition
def release(study: ImagingStudy, *, by: Any) -> None:
    """A coordinator looked at a held study and lets it in."""
    rules.may_release(by, study).or_raise()
    study.problem = ""
    study.save(update_fields=["problem"])
    study.move_to(Status.AVAILABLE)
    note("imaging.released", by=by, about=study)


@transition
def refuse(study: ImagingStudy, *, by: Any) -> None:
    """These images are of somebody else, or damaged for good: nobody will read them."""
    rules.may_refuse(by, study).or_raise()
    before = study.status
    study.move_to(Status.REJECTED)
    note("imaging.refused", by=by, about=study, before=before, problem=study.problem)


@transition
def reconsider(study: ImagingStudy, *, by: Any) -> None:
    """Undo of both: held again, out of every reader's sight. A damaged copy stays named so."""
    rules.may_reconsider(by, study).or_raise()
    before = study.status
    study.problem = study.problem or "two_patients"
    study.save(update_fields=["problem"])
    study.move_to(Status.HELD)
    note("imaging.reconsidered", by=by, about=study, before=before)


@transition
def remove(study: ImagingStudy, *, by: Any, reason: str) -> None:
    """Take a study back. It is gone from every page now; a job erases rows and bytes.

    Its UIDs are given free at once, so that the same study can be sent again.
    """
    rules.may_remove(by, study).or_raise()
    case_file = CaseFile.objects.select_related("patient").get(pk=study.case_file_id)
    gone = Concat(Value("removed."), Cast(F("pk"), CharField()))
    ImagingStudy.objects.filter(pk=study.pk).update(
        StudyInstanceUID=gone, alias_uid=gone, search={}, person={}
    )
    ImagingInstance.objects.filter(study=study).update(SOPInstanceUID=gone, alias_uid=gone)
    study.move_to(Status.REMOVED)
    ring(
        ImagingRemoval.objects.create(
            clinic_id=study.clinic_id,
            case_file=case_file,
            by=by,
            study_id=study.pk,
            instance_count=study.instance_count,
            reason=reason,
        )
    )
    acting_for = on_behalf_of(by, case_file.patient)
    note("imaging.taken_back", by=by, about=study, on_behalf_of=acting_for)


@transaction.atomic
def order_cover(series: ImagingSeries, rectangles: list[list[int]], *, by: Any) -> ImagingCover:
    """Have copies made with these places covered. The series itself is closed from now on."""
    series = ImagingSeries.objects.select_for_update().get(pk=series.pk)
    rules.may_cover(by, series).or_raise()
    if series.blinding_class == BlindingClass.CLEAR:
        declassify(series, by=by)
    job = ImagingCover.objects.create(
        clinic_id=series.clinic_id,
        case_file_id=series.case_file_id,
        series=series,
        by=by,
        rectangles=rectangles,
    )
    ring(job)
    note("imaging.cover_ordered", by=by, about=series, places=len(rectangles))
    return job
