"""The world of the access matrix: what each kind of person may have something to do with."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

from allauth.account.models import EmailAddress
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from records.models import DocumentPage, Proxy, ProxyInvitation, Upload
from requests_app.models import FollowUpQuestion, StaffTask
from secondop.accounts.models import Invitation, Membership
from secondop.lib.storage import new_key
from secondop.notifications.models import Notification
from tests import factories
from tests.records import asking
from tests.records.dicom import samples as imaging


def build_world():
    w = SimpleNamespace(addresses={})
    w.a, w.b = factories.ClinicFactory(), factories.ClinicFactory()
    specialist = factories.specialist(w.a)
    author = factories.specialist(w.a)
    w.review = factories.opinion_request_at("in_review", w.a, who=specialist)
    w.delivered = factories.opinion_request_at("delivered", w.a, who=author)
    w.checking = factories.opinion_request_at("quality_check", w.a, who=author)
    patient = w.review.started_by
    for other in (w.delivered,):  # the same patient's delivered request
        other.case_file.patient.user = None
        other.case_file.patient.save()
        other.case_file.patient = w.review.case_file.patient
        other.case_file.save()
    proxy, former = factories.UserFactory(), factories.UserFactory()
    until = timezone.now().date() + timedelta(days=30)
    common = {"clinic": w.a, "patient": w.review.case_file.patient, "recorded_by": patient,
              "authority": "permission", "until": until}  # fmt: skip
    w.proxy_row = Proxy.objects.create(user=proxy, **common)
    Proxy.objects.create(user=former, revoked_at=timezone.now(), **common)
    former_coordinator = factories.coordinator(w.a)
    Membership.objects.filter(user=former_coordinator).update(ended_at=timezone.now())
    invited = factories.UserFactory()
    EmailAddress.objects.create(user=invited, email=invited.email, verified=True, primary=True)
    w.people = {
        "invited": invited,
        "nobody": None,
        "record holder": None,  # has the cookie of a link
        "stranger": factories.UserFactory(),
        "patient": patient,
        "proxy": proxy,
        "former proxy": former,
        "other patient": factories.opinion_request_at("delivered", w.a).started_by,
        "coordinator": factories.coordinator(w.a),
        "coordinator of B": factories.coordinator(w.b),
        "former coordinator": former_coordinator,
        "specialist": specialist.user,
        "other specialist": factories.specialist(w.a).user,
        "author": author.user,
        "quality_reviewer": factories.quality_reviewer(w.a),
        "administrator": factories.administrator(w.a),
        "auditor": factories.auditor(w.a),
        "without second factor": factories.member("coordinator", w.a, second_factor=False),
    }
    w.document = w.review.case_file.documents.get()
    DocumentPage.objects.create(
        clinic=w.a, case_file=w.review.case_file, document=w.document, number=1,
        key=w.document.key, width=10, height=10,
    )  # fmt: skip
    w.report = w.delivered.reports.get()
    w.follow_up = FollowUpQuestion.objects.create(
        clinic=w.a, report=w.report, asked_by=patient, text="And now?", due_at=timezone.now()
    )
    w.task = StaffTask.objects.create(
        clinic=w.a, opinion_request=w.review, kind="overdue", about_due_at=timezone.now()
    )
    w.upload = Upload.objects.create(
        clinic=w.a, case_file=w.review.case_file, by=patient, file_name="a.pdf", size_bytes=10,
        key="uploads/aa/test", expires_at=timezone.now() + timedelta(days=1),
    )  # fmt: skip
    w.invitation = Invitation.objects.create(
        clinic=w.a, email="new@example.org", role="coordinator", token_sha256="0" * 64,
        invited_by=w.people["administrator"], expires_at=timezone.now() + timedelta(days=1),
    )  # fmt: skip
    w.proxy_invitation = ProxyInvitation.objects.create(
        clinic=w.a, patient=w.review.case_file.patient, email=invited.email, authority="permission",
        until=until, invited_by=patient, expires_at=timezone.now() + timedelta(days=1),
    )  # fmt: skip
    w.notification = Notification.objects.create(
        to=patient, message="request_submitted", path="/", clinic_id=w.a.pk, status="dead"
    )
    w.statement = factories.add_statement(w.review, "story", "It began in spring.")
    imaging.store(w.review.case_file, imaging.as_bytes(imaging.ct(1)))
    imaging.clear(w.review.case_file)
    w.series = w.review.case_file.imaging_studies.get().series.get()
    w.identity_check = w.review.case_file.identity_checks.get()
    w.specimen = w.review.case_file.specimens.create(
        clinic=w.a, accession="S24-1", made_by=w.people["coordinator"]
    )
    w.inlet = w.review.case_file.imaging_inlets.create(
        clinic=w.a, name="St. Anna", token_sha256="0" * 64, made_by=w.people["coordinator"],
        until=timezone.now() + timedelta(days=1),
    )  # fmt: skip
    w.peer = w.a.peers.create(
        title="St. Anna", kind="dicomweb", address="https://pacs.example.org/dicom-web",
        added_by=w.people["administrator"],
    )  # fmt: skip
    w.transfer = w.review.case_file.transfers.create(
        clinic_id=w.a.pk, peer=w.peer, by=w.people["coordinator"], direction="in", status="dead"
    )
    w.ehr = w.a.ehrs.create(
        title="St. Anna", address="https://fhir.example.org/r4", client_id="second-op",
        added_by=w.people["administrator"],
    )  # fmt: skip
    w.ehr_pull = w.review.case_file.ehr_pulls.create(
        clinic_id=w.a.pk, ehr=w.ehr, by=patient, status="dead"
    )
    ask_a_record_holder(w)
    return w


def ask_a_record_holder(w):
    """Another request of the same patient, for which records are asked."""
    gathering = asking.collecting(w.a)
    w.asked = asking.sent(gathering, by=w.people["coordinator"])
    w.to_sign = asking.drafted(gathering, holder=w.asked.holder, by=w.people["coordinator"])
    case_file = gathering.case_file
    case_file.patient.user = None
    case_file.patient.save()
    case_file.patient = w.review.case_file.patient
    case_file.save()
    key = default_storage.save(new_key("letters"), ContentFile(b"%PDF-1.4"))
    w.asked.letters.update(key=key, size_bytes=8)
    w.letter = w.asked.letters.first()
    w.first_doctor_letter = case_file.first_doctor_letters.create(
        clinic_id=w.a.pk, number=1, status="done", key=key, size_bytes=8,
        delivered_on=timezone.localdate(), written_on=timezone.localdate(),
    )  # fmt: skip
    w.duty = w.a.first_doctor_duties.create(
        country="FR", source="a rule", stated_by=w.people["administrator"]
    )
    w.paper = asking.paper_of(w.to_sign)
    w.door_upload = Upload.objects.create(
        clinic=w.a, case_file=case_file, record_request=w.asked, file_name="b.pdf", size_bytes=10,
        key="uploads/aa/door", expires_at=timezone.now() + timedelta(days=1),
    )  # fmt: skip
