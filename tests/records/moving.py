"""Transfers as the tests of transfers begin, run and choose them."""

from __future__ import annotations

from typing import Any

from django.db.models.functions import Now

from records.models import CaseFile, Peer, Transfer
from records.tasks import run_transfer
from tests import factories


def a_transfer(peer: Peer, case_file: CaseFile, **more: Any) -> Transfer:
    told = {"direction": "in", "query": {"PatientID": "P1"}}
    by = factories.coordinator(case_file.clinic)
    return Transfer.objects.create(
        clinic_id=case_file.clinic_id, case_file=case_file, peer=peer, by=by, **told | more
    )


def run(transfer: Transfer) -> Transfer:
    Transfer.objects.filter(pk=transfer.pk).update(run_after=Now())
    run_transfer(str(transfer.pk))
    transfer.refresh_from_db()
    return transfer


def choose(transfer: Transfer, *uids: str) -> Transfer:
    """Copy these studies."""
    transfer.studies.filter(StudyInstanceUID__in=uids).update(is_chosen=True)
    Transfer.objects.filter(pk=transfer.pk).update(step="copy", status="queued")
    return run(transfer)


def a_peer(case_file: CaseFile, address: str, **more: Any) -> Peer:
    told = {"kind": "dicomweb", "title": address[:100], "is_inside": True, "uses_tls": False}
    by = factories.administrator(case_file.clinic)
    return Peer.objects.create(clinic=case_file.clinic, address=address, added_by=by, **told | more)
