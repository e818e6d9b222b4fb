"""Walk one story through the real workflow. Answers are typed in; nothing is moved by hand."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from records import workflow as documents
from records.dicom.ingest import Batch
from records.models import (
    CaseFile,
    Document,
    ImagingSeries,
    OriginalDiagnosis,
    Patient,
    Proxy,
    SafetyFacts,
    Upload,
)
from records.models.case_file import BlindingClass
from records.tasks import screen
from requests_app import workflow as requests
from requests_app.deadlines import due_at
from requests_app.delivery import ask_follow_up
from requests_app.models import OpinionRequest, PatientStatement, Question, Wording
from secondop.accounts.models import Clinic, User
from secondop.audit.models import AuditEvent
from secondop.audit.trail import note
from secondop.demo.chase import chase, portal_record
from secondop.demo.clock import let_deadline_pass
from secondop.demo.papers import Paper, as_pdf
from secondop.demo.people import BORN_ON, DEMO_PEOPLE
from secondop.demo.pictures import ultrasound
from secondop.demo.stories import Story, Written
from secondop.lib.storage import new_key
from specialists import workflow as referrals
from specialists.models import Referral, Specialist, TreatmentOption

ENDS_BEFORE_READY = (
    "draft",
    "submitted",
    "withdrawn",
    "returned",
    "needs_patient",
    "expired",
    "collecting",
)

# Why the clinic goes on without what its checklist names; the patient and the report say it.
ENOUGH = "The specialist can answer your questions with the records that are here."


def walk(story: Story, *, clinic: Clinic, people: dict[str, User]) -> OpinionRequest:
    """Make the request of `story` and lead it to the story's status."""
    opinion_request = _draft(story, clinic=clinic, people=people)
    if story.status == "draft":
        return opinion_request
    patient = people[story.patient]
    name = opinion_request.case_file.patient.full_name
    opinion_request = requests.submit(opinion_request, truth_name=name, by=patient)
    if story.status == "submitted":
        return opinion_request
    if story.status == "withdrawn":
        return requests.withdraw(opinion_request, by=patient)
    coordinator = people[story.coordinator]
    if story.status == "returned":
        return requests.return_with_advice(opinion_request, advice=story.says, by=coordinator)
    if story.status in ("needs_patient", "expired"):
        opinion_request = requests.ask_patient(opinion_request, text=story.says, by=coordinator)
        if story.status == "expired":
            return requests.expire(let_deadline_pass(opinion_request, ago=timedelta(hours=1)))
        return opinion_request
    opinion_request = requests.accept(opinion_request, urgent=story.urgent, by=coordinator)
    if story.status == "collecting":
        if story.is_chased:
            chase(opinion_request.case_file, patient=patient, coordinator=coordinator)
        return opinion_request
    opinion_request = requests.mark_ready(opinion_request, waiver=ENOUGH, by=coordinator)
    if story.status == "ready":
        return opinion_request
    return _review(story, opinion_request, people=people)


def _draft(story: Story, *, clinic: Clinic, people: dict[str, User]) -> OpinionRequest:
    user = people[story.patient]
    patient = _patient(story, clinic=clinic, user=user, admin=_administrator(story, people))
    case_file = CaseFile.objects.create(clinic=clinic, patient=patient)
    SafetyFacts.objects.create(case_file=case_file, clinic=clinic, **story.safety)
    today = timezone.now().date()
    OriginalDiagnosis.objects.create(
        case_file=case_file, clinic=clinic, told_on=today - timedelta(days=21), **story.told
    )
    now = timezone.now()
    opinion_request = OpinionRequest.objects.create(
        clinic=clinic,
        case_file=case_file,
        started_by=user,
        purposes=list(story.purposes),
        review_mode=story.review_mode,
        limits_accepted_at=now,
        due_at=due_at("draft", urgent=False, clinic=clinic, start=now),
    )
    _say(story, opinion_request)
    classified_by = people.get(story.coordinator) if story.is_prepared else None
    for paper in story.papers:
        _add(
            paper,
            case_file,
            by=user,
            classified_by=classified_by,
            screen_now=story.status not in ENDS_BEFORE_READY,
            today=today,
        )
    if story.is_chased:
        record = portal_record(case_file.patient, today=today)
        _receive(record, case_file, file_name="portal download.json", kind="other", by=user)
    if story.has_pictures:
        _add_pictures(case_file, by=user, classified_by=classified_by, today=today)
    return opinion_request


def _patient(story: Story, *, clinic: Clinic, user: User, admin: User) -> Patient:
    name, born = story.acts_for
    patient = Patient.objects.create(
        clinic=clinic,
        user=None if name else user,
        full_name=name or user.full_name,
        born_on=date.fromisoformat(born) if born else BORN_ON[story.patient],
        sex=story.sex,
        phone="+1 555 0142",
        country="US",
    )
    if name:
        Proxy.objects.create(
            clinic=clinic,
            patient=patient,
            user=user,
            authority=Proxy.Authority.POWER_OF_ATTORNEY,
            note="Paper shown at the desk.",
            until=timezone.now().date() + timedelta(days=365),
            recorded_by=admin,
        )
    return patient


def _administrator(story: Story, people: dict[str, User]) -> User:
    found = next(p for p in DEMO_PEOPLE if p.role == "administrator" and p.clinic == story.clinic)
    return people[found.email]


def _say(story: Story, opinion_request: OpinionRequest) -> None:
    """The patient's questions and free text; a coordinator has cleared both where one is named."""
    clear = BlindingClass.CLEAR if story.coordinator and story.is_prepared else ""
    common: dict[str, Any] = {"clinic": opinion_request.clinic}
    for position, text in enumerate(story.questions, 1):
        question = Question.objects.create(
            opinion_request=opinion_request, position=position, blinding_class=clear, **common
        )
        Wording.objects.create(
            case_file=opinion_request.case_file, question=question, text=text, **common
        )
    for topic, text in (("story", story.story), ("what_matters", story.what_matters)):
        if text:
            statement = PatientStatement.objects.create(
                opinion_request=opinion_request, topic=topic, blinding_class=clear, **common
            )
            Wording.objects.create(
                case_file=opinion_request.case_file, statement=statement, text=text, **common
            )


def _add(
    paper: Paper,
    case_file: CaseFile,
    *,
    by: User,
    classified_by: User | None,
    screen_now: bool,
    today: date,
) -> None:
    """Send one paper in as an upload, and classify it where the story goes on.

    Screened here where the workflow waits for it; `make run` waits for us, so the rest is left to
    the workers, whose job it is.
    """
    patient = case_file.patient
    assert patient.born_on  # noqa: S101  (every story has one)
    # What a sealed reader may open names nobody: here the hospital gave an anonymous copy.
    is_named = not (classified_by and paper.blinding_class == BlindingClass.CLEAR)
    who = f"Patient: {patient.full_name}     Born: {patient.born_on:%-d %B %Y}"
    content = as_pdf(paper, who=who if is_named else "Anonymous copy", today=today)
    document = _receive(content, case_file, file_name=paper.file_name, kind=paper.kind, by=by)
    if screen_now:
        screen.run(str(document.screening.pk))
        document.refresh_from_db()
        if document.status != Document.Status.AVAILABLE:
            raise RuntimeError(f"a demo paper was not accepted: {document.problem}")
    document.dated_on = paper.dated_on(today)
    if classified_by:
        document.blinding_class, document.neutral_title = paper.blinding_class, paper.neutral_title
        document.classified_by, document.classified_at = classified_by, timezone.now()
    fields = ("dated_on", "blinding_class", "neutral_title", "classified_by", "classified_at")
    document.save(update_fields=fields)


def _receive(
    content: bytes, case_file: CaseFile, *, file_name: str, kind: str, by: User
) -> Document:
    upload = Upload.objects.create(
        clinic_id=case_file.clinic_id,
        case_file=case_file,
        by=by,
        file_name=file_name,
        kind=kind,
        size_bytes=len(content),
        offset_bytes=len(content),
        key=default_storage.save(new_key("documents"), ContentFile(content)),
        expires_at=timezone.now() + timedelta(days=1),
    )
    document = documents.receive(upload)
    assert document  # noqa: S101  (a new upload always becomes one)
    return document


def _add_pictures(
    case_file: CaseFile, *, by: User, classified_by: User | None, today: date
) -> None:
    """Store the drawn examination as a push of images would; cleared where the story goes on."""
    patient = case_file.patient
    with Batch(case_file, by=by) as batch:
        for file in ultrasound(
            patient=patient.full_name,
            patient_id="HV-88213",
            born_on=patient.born_on,
            today=today,
        ):
            batch.begin()
            batch.write(file)
            batch.finish()
        results = batch.close()
    if problems := [result.problem for result in results if result.problem]:
        raise RuntimeError(f"demo images were not accepted: {problems}")
    if classified_by:
        ImagingSeries.objects.filter(case_file=case_file).update(
            blinding_class=BlindingClass.CLEAR,
            classified_by=classified_by,
            classified_at=timezone.now(),
        )


def _review(
    story: Story, opinion_request: OpinionRequest, *, people: dict[str, User]
) -> OpinionRequest:
    coordinator = people[story.coordinator]
    asked = story.specialists or tuple(written.by for written in story.opinions)
    for email in asked:
        specialist = Specialist.objects.get(user=people[email], clinic=opinion_request.clinic)
        opinion_request = referrals.refer(
            opinion_request, to=specialist, summary=story.summary_of_offer, by=coordinator
        )
    if story.status == "referred":
        return opinion_request
    for referral in opinion_request.referrals.order_by("offered_at", "id"):
        referrals.take(referral, by=referral.specialist.user)
    for written in story.sealed:
        by = people[written.by]
        _seal(written, opinion_request.referrals.get(specialist__user=by), by=by)
    for written in story.opinions:
        referral = opinion_request.referrals.get(specialist__user=people[written.by])
        _write(written, referral, by=people[written.by])
    opinion_request = OpinionRequest.objects.get(pk=opinion_request.pk)
    if story.status in ("in_review", "quality_check"):
        return opinion_request
    return _deliver(story, opinion_request, people=people)


def _read(referral: Referral, *, by: User, only_clear: bool = False) -> None:
    """Open the documents, as the reading page does: the audit trail knows who opened what."""
    documents = Document.objects.visible_as("specialist", by).filter(
        case_file=referral.case_file_id
    )
    known = AuditEvent.objects.filter(actor_id=by.pk, verb="document.opened").values("about_id")
    for document in documents.exclude(pk__in=[event["about_id"] for event in known]):
        if document.blinding_class == BlindingClass.CLEAR or not only_clear:
            note("document.opened", by=by, about=document)


def _seal(written: Written, referral: Referral, *, by: User) -> Referral:
    """Read what is open, write the independent opinion and lock it."""
    _read(referral, by=by, only_clear=referral.review_mode == "sealed")
    version = referral.opinion.version
    referral = referrals.save_independent(referral, version=version, by=by, **written.independent)
    return referrals.seal(referral, by=by) if referral.review_mode == "sealed" else referral


def _write(written: Written, referral: Referral, *, by: User) -> None:
    """Write, seal, reveal, compare, answer, sign: as the pages do."""
    referral = _seal(written, referral, by=by)
    if referral.review_mode == "sealed":
        referral = referrals.reveal(referral, by=by)
        _read(referral, by=by)
    name, after, reason = written.revision
    if name:
        referral = referrals.revise(referral, field=name, after=after, reason=reason, by=by)
    opinion = Referral.objects.get(pk=referral.pk).opinion
    for axis, (result, why) in written.compared.items():
        opinion.comparisons.filter(axis=axis).update(result=result, why=why)
    for answer, text in zip(
        opinion.answers.order_by("question__position"), written.answers, strict=True
    ):
        answer.text = text
        answer.save(update_fields=["text"])
    opinion.options.all().delete()
    for position, option in enumerate(written.options, 1):
        TreatmentOption.objects.create(
            clinic_id=opinion.clinic_id,
            opinion=opinion,
            position=position,
            is_first_doctors_plan=option.is_first_plan,
            is_recommended=option.is_recommended,
            name=option.name,
            benefits=option.benefits,
            harms=option.harms,
            what_it_involves=option.what_it_involves,
            evidence=option.evidence,
            fits_priorities=option.fits_priorities,
        )
    referral = referrals.save_completion(
        referral,
        version=opinion.version,
        by=by,
        plain_summary=written.summary,
        limits=written.limits,
        conflicts="None.",
    )
    referrals.sign(referral, by=by)


def _deliver(
    story: Story, opinion_request: OpinionRequest, *, people: dict[str, User]
) -> OpinionRequest:
    reviewer = people[f"quality@{story.clinic}.example"]
    patient = people[story.patient]
    opinion_request = referrals.begin_check(opinion_request, by=reviewer)
    opinion_request = referrals.approve(opinion_request, by=reviewer)
    if story.follow_up:
        ask_follow_up(opinion_request.reports.get(), text=story.follow_up, by=patient)
    if story.status == "closed":
        opinion_request = requests.close(opinion_request, by=patient)
    return opinion_request
