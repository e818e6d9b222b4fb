"""The patient stops the request: nobody is asked any more, and the door says so."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from records import arrivals, chasing, holder_links, record_requests
from records.models import Document, RecordRequestEvent
from requests_app import workflow
from secondop.audit.models import AuditEvent
from tests.records import asking


@pytest.mark.django_db
class TestWithdraw:
    def test_open_asks_end_with_audit_and_ledger_and_the_door_says_why(self):
        opinion_request = asking.collecting()
        unsigned, sent = asking.drafted(opinion_request), asking.sent(opinion_request)
        done = asking.sent(opinion_request)
        record_requests.resolve(done, outcome="received", by=done.created_by)
        client = asking.at_the_door(sent)
        patient = opinion_request.case_file.patient.user
        opinion_request = workflow.withdraw(opinion_request, by=patient)
        assert opinion_request.status == "withdrawn"
        states = [asking.again(one).status for one in (unsigned, sent, done)]
        assert states == ["stopped", "stopped", "received"]
        for one in (unsigned, sent):
            last = RecordRequestEvent.objects.filter(record_request=one).order_by("at", "id").last()
            assert (last.kind, last.new, last.by) == ("moved", "stopped", patient)
        stopped = AuditEvent.objects.filter(verb="record_request.stopped")
        assert stopped.count() == 2
        assert asking.paper_of(unsigned).revoked_at
        assert not arrivals.is_open(sent.pk)
        html = {"accept": "text/html"}
        code = holder_links.code_of(sent.links.get())
        for browser in (client, Client()):
            browser.get(f"/door/{code}/")
            page = browser.get("/door/", headers=html)
            assert page.status_code == 404
            assert b"the clinic no longer needs these records" in page.content
            assert opinion_request.case_file.patient.full_name.encode() not in page.content
        client.post("/door/file/", {"file": SimpleUploadedFile("a.pdf", b"%PDF-1.4\n")})
        assert not Document.objects.filter(record_request=sent).exists()
        assert chasing.chase() == 0
        # Opened again, the request asks anew: an old link takes nothing in.
        type(opinion_request.case_file).objects.filter(pk=opinion_request.case_file_id).update(
            is_open_for_records=True
        )
        client.post("/door/file/", {"file": SimpleUploadedFile("a.pdf", b"%PDF-1.4\n")})
        assert not Document.objects.filter(record_request=sent).exists()
