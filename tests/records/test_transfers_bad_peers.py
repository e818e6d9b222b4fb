"""Peers with strange certificates, half a study, other bytes the next time, and broken answers."""

from __future__ import annotations

import pytest

from records.models import ImagingInstance, Transfer
from secondop.jobs.reasons import REASONS
from tests.records.dicom.samples import a_case_file, as_bytes, ct
from tests.records.moving import a_peer, a_transfer, run
from tests.records.tls_peers import certificate, pem, tricky

STUDY, SERIES = "1.2.3.4", "1.2.3.4.5"


def copying(case_file, server) -> Transfer:
    transfer = a_transfer(a_peer(case_file, server.address), case_file, step="copy")
    transfer.studies.create(clinic=case_file.clinic, StudyInstanceUID=STUDY, is_chosen=True)
    return transfer


def three() -> list[tuple[str, str, bytes]]:
    objects = [ct(number) for number in (1, 2, 3)]
    return [(str(one.SOPInstanceUID), SERIES, as_bytes(one)) for one in objects]


@pytest.mark.django_db
class TestCertificates:
    def test_only_an_authority_that_is_known_and_the_right_name_are_trusted(self, tmp_path):
        case_file, authority = a_case_file(), certificate("Authority of St. Anna")
        own, other = certificate("localhost"), certificate("elsewhere.example", signed_by=authority)
        good = certificate("localhost", signed_by=authority)
        for made, known, status, code in [
            (own, None, "dead", "certificate_not_trusted"),  # signed by itself
            (good, None, "dead", "certificate_not_trusted"),
            (other, authority, "dead", "certificate_not_trusted"),  # of another name
            (good, own, "dead", "certificate_not_trusted"),  # of another authority
            (good, authority, "done", ""),
        ]:
            with tricky(tmp_path, made) as server:
                trusted = pem(known) if known else ""
                peer = a_peer(case_file, server.address, uses_tls=True, ca_certificate=trusted)
                transfer = run(a_transfer(peer, case_file))
                assert (transfer.status, transfer.last_error) == (status, code)
                assert not code or "certificate" in str(REASONS[code])


@pytest.mark.django_db
class TestAnswers:
    def test_what_breaks_in_the_middle_is_gone_on_with_and_nothing_is_doubled(self, tmp_path):
        for way, code, here in [
            ("breaks", "peer_fails", 0), ("cuts", "answer_cut_off", 0), ("half", "half_a_study", 1),
        ]:  # fmt: skip
            case_file = a_case_file()
            with tricky(tmp_path) as server:
                server.way, server.objects = way, three()
                transfer = run(copying(case_file, server))
                assert (transfer.status, transfer.last_error) == ("failed", code)
                rows = ImagingInstance.objects.filter(case_file=case_file)
                assert rows.count() >= here
                server.way = ""
                transfer = run(transfer)
                assert (transfer.status, transfer.done_count) == ("done", 3), way
                assert rows.count() == 3

    def test_another_kind_of_answer_than_asked_for_is_refused(self, tmp_path):
        with tricky(tmp_path) as server:
            server.way, server.objects = "plain", three()
            transfer = run(copying(a_case_file(), server))
            assert (transfer.status, transfer.last_error) == ("dead", "peer_cannot")
            assert "peer_cannot" in REASONS

    def test_an_image_that_changes_between_two_attempts_stays_what_it_was(self, tmp_path):
        case_file = a_case_file()
        with tricky(tmp_path) as server:
            server.way, server.objects = "half", three()
            transfer = run(copying(case_file, server))
            [first] = ImagingInstance.objects.filter(case_file=case_file)
            uid = first.SOPInstanceUID
            # The same number with other pixels, sent beside the two that lacked.
            changed = as_bytes(ct(9, SOPInstanceUID=uid))
            server.way = ""
            server.objects = [(u, s, raw + b"") for u, s, raw in server.objects]
            lacking = server.objects[1]
            server.objects[1] = (lacking[0], SERIES, changed)
            transfer = run(transfer)
            assert (transfer.status, transfer.last_error) == ("failed", "half_a_study")
            study = transfer.studies.get()
            assert study.refused == {"other_bytes": 1}
            now = ImagingInstance.objects.get(case_file=case_file, SOPInstanceUID=uid)
            assert now.sha256 == first.sha256
            server.objects[1] = lacking
            assert run(transfer).status == "done"
            assert ImagingInstance.objects.filter(case_file=case_file).count() == 3
