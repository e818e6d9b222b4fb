"""One run of a transfer, in a worker: look, copy in, or send out. Safe to run again."""

from __future__ import annotations

import time
from collections import Counter
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models import Sum

from records import first_doctor
from records.identity import Person
from records.models import ImagingInstance, Transfer, TransferStudy
from records.models.imaging import ImagingStudy
from records.transfers.looking import look
from records.transfers.remote import Outgoing, Remote, open_remote, query_of
from records.transfers.sink import CaseFileSink, mark_moving, stop_reason
from secondop.audit.trail import note
from secondop.jobs.models import PermanentFailure, TemporaryFailure

SEND_AT_ONCE = 50
MOVE_SECONDS = 3600
SETTLE_SECONDS = 10.0


def run(transfer: Transfer) -> None:
    if reason := stop_reason(transfer):
        raise PermanentFailure(reason)
    if transfer.kills_workers:
        Transfer.objects.filter(pk=transfer.pk).update(kills=0)  # if somebody tries again
        raise PermanentFailure("killed_too_often")
    peer, asked = transfer.peer, transfer.record_request
    if not first_doctor.may_use_system(transfer.case_file, peer.title, asked):
        raise PermanentFailure("first_doctor_not_told")
    if transfer.peer.retired_at:
        raise PermanentFailure("peer_retired")
    with open_remote(transfer.peer) as remote:
        if transfer.step == Transfer.Step.SEARCH:
            _search(transfer, remote)
        elif transfer.direction == Transfer.Direction.IN:
            _copy_in(transfer, remote)
        else:
            _send_out(transfer, remote)


def _search(transfer: Transfer, remote: Remote) -> None:
    patient = transfer.case_file.patient
    ours = Person(name=patient.full_name, born_on=patient.born_on, sex=patient.sex)
    found = look(remote, query_of(transfer.query), ours)
    with transfer.closing():
        TransferStudy.objects.filter(transfer=transfer).delete()
        TransferStudy.objects.bulk_create(
            TransferStudy(
                clinic_id=transfer.case_file.clinic_id,
                transfer=transfer,
                StudyInstanceUID=one.uid,
                person=one.person,
                told=one.told,
                expected_count=one.count,
            )
            for one in {one.uid: one for one in found}.values()
        )
        note("transfer.searched", by=transfer.by, about=transfer, studies=len(found))


# --- in --------------------------------------------------------------------------------------
def _copy_in(transfer: Transfer, remote: Remote) -> None:
    missing = 0
    for study in transfer.studies.chosen():
        missing += _copy_study(transfer, study, remote)
    if missing:  # half a study: what is here stays, the rest is asked for later
        raise TemporaryFailure("half_a_study")
    _close(transfer, "transfer.received")


def _copy_study(transfer: Transfer, study: TransferStudy, remote: Remote) -> int:
    """Bring what is missing; return how many are missing still."""
    expected = remote.instances(study.StudyInstanceUID)
    everything = set().union(*expected.values()) if expected else set()
    if not everything:
        return 1
    study.expected_count, study.refused = len(everything), {}
    study.save(update_fields=["expected_count", "refused"])
    sink = CaseFileSink(transfer, study, beat=lambda: _beat(transfer, study, everything))
    try:
        _bring(transfer, study, remote, expected, sink)
        sink.close()
        if transfer.peer.comes_to_receiver:
            _await(transfer, study, everything)
    finally:
        sink.drop()
        mark_moving(study, seconds=0)
        study.refused = dict(sink.problems)
        study.save(update_fields=["refused"])
    _beat(transfer, study, everything)
    return len(everything - known_of(transfer, study, everything) - sink.seen)


def _bring(
    transfer: Transfer, study: TransferStudy, remote: Remote, expected: dict[str, set[str]],
    sink: CaseFileSink,
) -> None:  # fmt: skip
    for series, uids in sorted(expected.items()):
        if reason := stop_reason(transfer):
            raise PermanentFailure(reason)
        lacking = uids - known_of(transfer, study, uids)
        if not lacking:
            continue
        mark_moving(study, seconds=MOVE_SECONDS)
        whole = len(lacking) == len(uids)
        remote.fetch(study.StudyInstanceUID, series, None if whole else lacking, sink)


def _await(transfer: Transfer, study: TransferStudy, everything: set[str]) -> None:
    """The receiver stores its last batch after the peer has said that it is ready."""
    deadline, before = time.monotonic() + SETTLE_SECONDS, -1
    while time.monotonic() < deadline:
        count = len(known_of(transfer, study, everything))
        if count == len(everything):
            return
        if count > before:
            deadline, before = time.monotonic() + SETTLE_SECONDS, count
            _beat(transfer, study, everything)
        time.sleep(0.2)


def known_of(transfer: Transfer, study: TransferStudy, uids: set[str]) -> set[str]:
    rows = ImagingInstance.objects.filter(
        case_file=transfer.case_file_id,
        study__StudyInstanceUID=study.StudyInstanceUID,
        SOPInstanceUID__in=uids,
        pack__quarantined_at=None,  # what is damaged is fetched again, and so mended
    )
    return set(rows.values_list("SOPInstanceUID", flat=True))


def _beat(transfer: Transfer, study: TransferStudy, everything: set[str]) -> None:
    count = len(known_of(transfer, study, everything))
    TransferStudy.objects.filter(pk=study.pk).update(done_count=count)
    beat(transfer)


def beat(transfer: Transfer) -> None:
    told = transfer.studies.chosen().aggregate(done=Sum("done_count"), total=Sum("expected_count"))
    transfer.heartbeat(done_count=told["done"] or 0, total_count=told["total"] or 0, unit="images")


def _close(transfer: Transfer, verb: str) -> None:
    beat(transfer)
    refused: Counter[str] = Counter()
    for study in transfer.studies.chosen():
        refused.update(study.refused)
    with transfer.closing():
        told = transfer.studies.chosen().aggregate(done=Sum("done_count"))
        count = told["done"] or 0
        note(verb, by=transfer.by, about=transfer, instances=count, refused=refused.total())


# --- out -------------------------------------------------------------------------------------
def _send_out(transfer: Transfer, remote: Remote) -> None:
    for study in transfer.studies.chosen():
        _send_study(transfer, study, remote)
    _close(transfer, "transfer.sent")


def _send_study(transfer: Transfer, study: TransferStudy, remote: Remote) -> None:
    """In the order of their numbers, so that a later run goes on behind the last that is over."""
    rows = outgoing_of(transfer, study)
    study.expected_count = rows.count()
    study.save(update_fields=["expected_count"])
    left = rows.filter(SOPInstanceUID__gt=study.after_uid).select_related("pack")
    waiting = left.iterator(chunk_size=SEND_AT_ONCE)
    while some := list(islice(waiting, SEND_AT_ONCE)):
        if reason := stop_reason(transfer):
            raise PermanentFailure(reason)
        refused: Counter[str] = Counter(study.refused)
        for uid, problem in remote.send([_outgoing(one) for one in some]):
            study.after_uid = uid
            study.done_count += not problem
            refused.update([problem] if problem else [])
        study.refused = dict(refused)
        with transaction.atomic():
            study.save(update_fields=["after_uid", "done_count", "refused"])
            beat(transfer)


def outgoing_of(transfer: Transfer, study: TransferStudy) -> Any:
    """Originals of a study that is neither held back nor damaged."""
    return ImagingInstance.objects.filter(
        case_file=transfer.case_file_id,
        study__StudyInstanceUID=study.StudyInstanceUID,
        study__status=ImagingStudy.Status.AVAILABLE,
        series__parent=None,
        pack__quarantined_at=None,
    ).order_by("SOPInstanceUID")


def _outgoing(one: ImagingInstance) -> Outgoing:
    return Outgoing(
        one.SOPInstanceUID, one.SOPClassUID, one.TransferSyntaxUID, one.size_bytes, one.pack.key,
        one.offset,
    )  # fmt: skip
