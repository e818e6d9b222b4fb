"""Every change of a peer and of a transfer that a person makes."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from records import arrivals, first_doctor
from records.models import AccessGrant, CaseFile, Peer, RecordRequest, Transfer
from records.models.imaging import ImagingStudy
from records.transfers.remote import query_of
from records.transfers.secrets import seal
from secondop.accounts.models import Clinic
from secondop.audit.trail import note
from secondop.jobs.ring import ring
from secondop.lib.verdicts import YES, Verdict, never, not_now

Status = Transfer.Status
OPEN = (Status.QUEUED, Status.RUNNING, Status.FAILED)
AT_ONCE = 5


# --- rules -----------------------------------------------------------------------------------
def may_manage(user: Any, clinic_id: Any) -> Verdict:
    if clinic_id not in user.clinics_as("administrator"):
        return never(_("Only administrators set up other systems."))
    return YES


def _coordinates(user: Any, case_file_id: Any) -> bool:
    return CaseFile.objects.visible_as("coordinator", user).filter(pk=case_file_id).exists()


def may_fetch(user: Any, case_file: CaseFile) -> Verdict:
    if not _coordinates(user, case_file.pk):
        return never(_("Only the clinic's coordinators fetch images."))
    if not case_file.is_open_for_records:
        return not_now(_("A specialist is already looking at the records."))
    if case_file.transfers.filter(status__in=OPEN).count() >= AT_ONCE:
        return not_now(_("Five transfers are under way. Wait until one is over."))
    return YES


def may_send(user: Any, case_file: CaseFile) -> Verdict:
    """SECURITY: what goes out is the original, with its names: never while somebody reads sealed.

    A sealed specialist might well work at the place that it goes to.
    """
    if not _coordinates(user, case_file.pk):
        return never(_("Only the clinic's coordinators send images."))
    sealed = AccessGrant.objects.live().filter(sight=AccessGrant.Sight.SEALED)
    if sealed.filter(case_file=case_file).exists():
        return not_now(_("A specialist reads this case file sealed. Send the images afterwards."))
    if not case_file.imaging_studies.filter(status=ImagingStudy.Status.AVAILABLE).exists():
        return not_now(_("There are no images here that can be sent."))
    return YES


def may_cancel(user: Any, transfer: Transfer) -> Verdict:
    if not _coordinates(user, transfer.case_file_id):
        return never(_("Only the clinic's coordinators stop this."))
    if transfer.status not in OPEN:
        return not_now(_("This is over already."))
    return YES


def may_retry(user: Any, transfer: Transfer) -> Verdict:
    if not _coordinates(user, transfer.case_file_id):
        return never(_("Only the clinic's coordinators start this again."))
    if transfer.status not in (Status.FAILED, Status.DEAD):
        return not_now(_("This is under way, or over."))
    if transfer.direction == Transfer.Direction.OUT:
        return may_send(user, transfer.case_file)
    return YES


# --- peers -----------------------------------------------------------------------------------
@transaction.atomic
def add_peer(clinic: Clinic, told: dict[str, Any], *, by: Any) -> Peer:
    """`told`: fields of Peer, and token or user and password, which are sealed."""
    may_manage(by, clinic.pk).or_raise()
    told = dict(told)
    secret = {key: told.pop(key, "") for key in ("token", "user", "password")}
    sealed = seal(json.dumps(secret)) if any(secret.values()) else ""
    peer = Peer.objects.create(clinic=clinic, added_by=by, secret=sealed, **told)
    note("peer.added", by=by, about=peer, kind=peer.kind, is_inside=peer.is_inside)
    return peer


@transaction.atomic
def retire_peer(peer: Peer, *, by: Any) -> None:
    may_manage(by, peer.clinic_id).or_raise()
    if Peer.objects.in_use().filter(pk=peer.pk).update(retired_at=Now(), secret=""):
        note("peer.retired", by=by, about=peer)


# --- transfers -------------------------------------------------------------------------------
@transaction.atomic
def search(
    case_file: CaseFile, peer: Peer, query: dict[str, str], *, by: Any,
    record_request: RecordRequest | None = None,
) -> Transfer:  # fmt: skip
    """Look what a peer has; what comes in is chosen afterwards."""
    may_fetch(by, case_file).or_raise()
    if record_request and not arrivals.is_open(record_request.pk):
        not_now(_("The patient's permission for this request does not stand.")).or_raise()
    first_doctor.may_use_system(case_file, peer.title, record_request).or_raise()
    transfer = Transfer.objects.create(
        clinic_id=case_file.clinic_id,
        case_file=case_file,
        peer=peer,
        by=by,
        direction=Transfer.Direction.IN,
        query=query_of(query),
        record_request=record_request,
    )
    note("transfer.begun", by=by, about=transfer, direction="in")
    ring(transfer)
    return transfer


@transaction.atomic
def choose(transfer: Transfer, studies: list[UUID], *, by: Any) -> None:
    """Copy these of what was found."""
    transfer = Transfer.objects.select_for_update().get(pk=transfer.pk)
    may_fetch(by, transfer.case_file).or_raise()
    if transfer.status != Status.DONE or transfer.direction != Transfer.Direction.IN:
        not_now(_("Wait until the search is over.")).or_raise()
    if not transfer.studies.filter(pk__in=studies).update(is_chosen=True):
        not_now(_("Choose at least one study.")).or_raise()
    transfer.step = Transfer.Step.COPY
    transfer.save(update_fields=["step"])
    _again(transfer)


@transaction.atomic
def send(case_file: CaseFile, peer: Peer, studies: Any, *, by: Any) -> Transfer:
    """Send originals of these studies to a peer."""
    may_send(by, case_file).or_raise()
    first_doctor.may_use_system(case_file, peer.title).or_raise()
    transfer = Transfer.objects.create(
        clinic_id=case_file.clinic_id,
        case_file=case_file,
        peer=peer,
        by=by,
        direction=Transfer.Direction.OUT,
        step=Transfer.Step.COPY,
    )
    for study in studies:
        transfer.studies.create(
            clinic=case_file.clinic,
            StudyInstanceUID=study.StudyInstanceUID,
            person=study.person,
            is_chosen=True,
            expected_count=study.instance_count,
        )
    note("transfer.begun", by=by, about=transfer, direction="out")
    ring(transfer)
    return transfer


@transaction.atomic
def cancel(transfer: Transfer, *, by: Any) -> None:
    """A waiting one is over at once, a running one before its next object."""
    transfer = Transfer.objects.select_for_update().get(pk=transfer.pk)
    may_cancel(by, transfer).or_raise()
    transfer.cancelled_at = Now()  # type: ignore[assignment]
    if transfer.status != Status.RUNNING:
        transfer.status, transfer.last_error = Status.DEAD, "cancelled"
        transfer.finished_at = Now()  # type: ignore[assignment]
    transfer.save(update_fields=["cancelled_at", "status", "last_error", "finished_at"])
    note("transfer.cancelled", by=by, about=transfer)


@transaction.atomic
def retry(transfer: Transfer, *, by: Any) -> None:
    """Go on where it stopped: what is here is not asked for again."""
    transfer = Transfer.objects.select_for_update().get(pk=transfer.pk)
    may_retry(by, transfer).or_raise()
    note("job.retried", by=by, about=transfer, attempts=transfer.attempts)
    _again(transfer)


def _again(transfer: Transfer) -> None:
    Transfer.objects.filter(pk=transfer.pk).update(
        status=Status.QUEUED, run_after=Now(), finished_at=None, leased_until=None,
        cancelled_at=None, last_error="", failures=0, kills=0,
    )  # fmt: skip
    ring(transfer)
