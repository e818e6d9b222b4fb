"""May this person decide about images now? Asked by buttons, workflow and edges."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from records.identity_checks import PROBLEM as OTHER_PATIENT
from records.models import CaseFile, ImagingCover, ImagingSeries, ImagingStudy
from records.models.case_file import BlindingClass
from secondop.lib.verdicts import YES, Verdict, never, not_now

Status = ImagingStudy.Status


def _coordinates(user: Any, case_file_id: Any) -> bool:
    return CaseFile.objects.visible_as("coordinator", user).filter(pk=case_file_id).exists()


def may_decide(user: Any, case_file_id: Any) -> Verdict:
    """Whatever is decided at the desk: only the clinic's coordinators."""
    if not _coordinates(user, case_file_id):
        return never(_("Only the clinic's coordinators decide this."))
    return YES


def may_classify(
    user: Any, series: ImagingSeries, blinding_class: str, *, has_seen_pictures: bool = False,
    is_agreed: bool = False,
) -> Verdict:  # fmt: skip
    """Decide what a sealed reader gets of a series.

    SECURITY: pixels may carry letters; what may is cleared only by somebody who looked, and where
    the clinic demands two people only from the blinding desk, once both have agreed (`is_agreed`).
    """
    if not (verdict := may_decide(user, series.case_file_id)):
        return verdict
    if blinding_class not in BlindingClass.values:
        return not_now(_("Choose what the specialist may see."))
    if blinding_class != BlindingClass.CLEAR:
        return YES
    if not series.has_pictures:
        return not_now(_("This series holds no pictures, only findings. It stays closed."))
    if series.covered_copies.exists() or _is_being_covered(series):
        return not_now(_("Places in this series were covered. Show the covered copy instead."))
    if series.may_show_text and not has_seen_pictures:
        return not_now(_("Look at the pictures first: they may show names or findings."))
    if series.clinic.demands_second_look and not is_agreed:
        return not_now(_("Two people must agree at this clinic. Show it at the blinding desk."))
    return YES


def _is_being_covered(series: ImagingSeries) -> bool:
    waiting = ImagingCover.objects.filter(series=series)
    return waiting.filter(status__in=["queued", "failed", "running"]).exists()


def may_declassify(user: Any, series: ImagingSeries) -> Verdict:
    """Take a decision back: the series is unclassified again, which is closed."""
    if not (verdict := may_decide(user, series.case_file_id)):
        return verdict
    if not series.blinding_class:
        return not_now(_("Nothing was decided about this series yet."))
    return YES


def may_cover(user: Any, series: ImagingSeries) -> Verdict:
    """Make copies with places covered."""
    if not (verdict := may_decide(user, series.case_file_id)):
        return verdict
    if series.parent_id:
        return not_now(_("This is a covered copy already. Cover more in the original."))
    if not series.has_pictures:
        return not_now(_("This series holds no pictures, only findings. It stays closed."))
    if _is_being_covered(series):
        return not_now(_("Copies with covered places are being made. Wait until they are here."))
    return YES


def may_release(user: Any, study: ImagingStudy) -> Verdict:
    """Let a held study in."""
    if not (verdict := may_decide(user, study.case_file_id)):
        return verdict
    if study.status != Status.HELD:
        return not_now(_("These images are not held back."))
    if study.problem == OTHER_PATIENT:
        return not_now(_("They may be of somebody else. Decide that first, with a reason."))
    return YES


def may_refuse(user: Any, study: ImagingStudy) -> Verdict:
    """Say that a held or damaged study cannot be used."""
    if not (verdict := may_decide(user, study.case_file_id)):
        return verdict
    if study.status not in (Status.HELD, Status.QUARANTINED):
        return not_now(_("Only images that are held back can be refused."))
    return YES


def may_reconsider(user: Any, study: ImagingStudy) -> Verdict:
    """Take the letting in or the refusal back: held again."""
    if not (verdict := may_decide(user, study.case_file_id)):
        return verdict
    if study.status not in (Status.AVAILABLE, Status.REJECTED):
        return not_now(_("These images are not held back."))
    return YES


def may_remove(user: Any, study: ImagingStudy) -> Verdict:
    """Take a study back that was sent by mistake.

    The patient while the case file is being filled; a coordinator at any time, since the images of
    somebody else must not stay until a review is over.
    """
    if study.status == Status.REMOVED:
        return not_now(_("These images were already taken back."))
    if _coordinates(user, study.case_file_id):
        return YES
    own = CaseFile.objects.visible_as("patient", user).filter(pk=study.case_file_id).first()
    if own is None:
        return never(_("You cannot take these images back."))
    if not own.is_open_for_records:
        return not_now(
            _("A specialist is already looking at the records. Write us a message instead.")
        )
    return YES
