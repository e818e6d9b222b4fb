"""Copying studies from and to real archives: whole, once, and only while it is allowed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db.models.functions import Now

from records.models import CaseFile, ImagingInstance, Peer, Transfer
from records.tasks import run_transfer
from records.transfers import sink
from tests import factories
from tests.records.dicom.samples import a_case_file, as_bytes, ct, store
from tests.records.peers import Archive, orthanc

STUDY = "1.2.3.4"


@pytest.fixture(scope="module")
def archive() -> Iterator[Archive]:
    with orthanc() as one:
        one.put(*[as_bytes(ct(n)) for n in range(1, 6)])
        other = "1.2.3.5"
        one.put(*[as_bytes(ct(n, study=other, series=other + ".1")) for n in (1, 2)])
        yield one


@pytest.fixture
def case_file() -> CaseFile:
    return a_case_file()


def a_transfer(peer: Peer, case_file: CaseFile, **more) -> Transfer:
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
    transfer.studies.filter(StudyInstanceUID__in=uids).update(is_chosen=True)
    Transfer.objects.filter(pk=transfer.pk).update(step="copy", status="queued")
    return run(transfer)


@pytest.mark.django_db
class TestDicomweb:
    def test_it_searches_copies_and_asks_only_for_what_is_missing(
        self, archive, case_file, monkeypatch
    ):
        transfer = run(a_transfer(archive.peer(case_file.clinic), case_file))
        assert (transfer.status, transfer.last_error) == ("done", "")
        told = transfer.studies.get(StudyInstanceUID=STUDY)
        assert transfer.studies.count() == 2
        assert (told.person["name"], told.person["born"]) == ("Example^Maria", "19700314")
        assert told.expected_count == 5
        transfer = choose(transfer, STUDY)
        assert (transfer.status, transfer.done_count, transfer.total_count) == ("done", 5, 5)
        first = set(ImagingInstance.objects.values_list("SOPInstanceUID", "sha256"))
        assert len(first) == 5
        assert ImagingInstance.objects.filter(case_file=case_file).count() == 5
        # Two more appear there: the second run fetches these two and nothing else.
        asked: list[int] = []
        begin = sink.CaseFileSink.begin
        monkeypatch.setattr(sink.CaseFileSink, "begin", lambda s: (asked.append(1), begin(s))[1])
        archive.put(as_bytes(ct(6)), as_bytes(ct(7)))
        Transfer.objects.filter(pk=transfer.pk).update(status="queued")
        transfer = run(transfer)
        assert (transfer.status, transfer.done_count, len(asked)) == ("done", 7, 2)
        assert first < set(ImagingInstance.objects.values_list("SOPInstanceUID", "sha256"))


@pytest.mark.django_db
class TestDimse:
    def test_it_searches_and_gets(self, archive, case_file):
        transfer = run(a_transfer(archive.peer(case_file.clinic, "dimse"), case_file))
        assert (transfer.status, transfer.last_error) == ("done", "")
        assert transfer.studies.get(StudyInstanceUID=STUDY).person["name"] == "Example^Maria"
        transfer = choose(transfer, "1.2.3.5")
        assert (transfer.status, transfer.last_error, transfer.done_count) == ("done", "", 2)
        assert ImagingInstance.objects.filter(case_file=case_file).count() == 2

    def test_it_sends_by_both_ways_and_goes_on_where_it_stopped(self, case_file):
        store(case_file, *[as_bytes(ct(n, study="1.2.9", series="1.2.9.1")) for n in range(1, 8)])
        for kind in ("dimse", "dicomweb"):
            with orthanc() as there:
                transfer = a_transfer(
                    there.peer(case_file.clinic, kind), case_file, direction="out", step="copy"
                )
                study = transfer.studies.create(
                    clinic=case_file.clinic, StudyInstanceUID="1.2.9", is_chosen=True
                )
                transfer = run(transfer)
                assert (transfer.status, transfer.last_error) == ("done", ""), kind
                assert (transfer.done_count, there.count()) == (7, 7)
                study.refresh_from_db()
                assert study.refused == {}
