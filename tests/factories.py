"""One factory per model; `opinion_request_at` walks the real workflow to a state."""

from __future__ import annotations

import hashlib
from datetime import date
from uuid import uuid4

import factory
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from records.models import CaseFile, Document, DocumentName, OriginalDiagnosis, Patient, SafetyFacts
from requests_app import workflow as requests
from requests_app.deadlines import due_at
from requests_app.models import OpinionRequest, PatientStatement, Question, Wording
from secondop.accounts.models import Clinic, Membership, User
from secondop.accounts.roles import (
    ADMINISTRATOR,
    AUDITOR,
    COORDINATOR,
    QUALITY_REVIEWER,
    SPECIALIST,
)
from secondop.lib.storage import new_key
from specialists import workflow as referrals
from specialists.models import Referral, Specialist

PASSWORD = "correct horse battery staple"


class ClinicFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Clinic

    name = factory.Sequence("Clinic {}".format)
    slug = factory.Sequence("clinic-{}".format)
    phone = "+1 555 0100"


class UserFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence("person{}@example.org".format)
    full_name = factory.Sequence("Person {}".format)
    password = factory.django.Password(PASSWORD)


class PatientFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Patient

    clinic = factory.SubFactory(ClinicFactory)
    user = factory.SubFactory(UserFactory)
    full_name = "Maria Example"
    born_on = date(1970, 3, 14)
    sex = "female"


def member(role: str, clinic: Clinic | None = None, *, second_factor: bool = True) -> User:
    """A person with one role at `clinic` (a new one if none), with a second factor set up."""
    user = UserFactory()
    Membership.objects.create(user=user, clinic=clinic or ClinicFactory(), role=role)
    if second_factor:
        add_second_factor(user)
    return user


def add_second_factor(user: User) -> None:
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

    TOTP.activate(user, generate_totp_secret())


def coordinator(clinic: Clinic | None = None) -> User:
    return member(COORDINATOR, clinic)


def quality_reviewer(clinic: Clinic | None = None) -> User:
    return member(QUALITY_REVIEWER, clinic)


def administrator(clinic: Clinic | None = None) -> User:
    return member(ADMINISTRATOR, clinic)


def auditor(clinic: Clinic | None = None) -> User:
    return member(AUDITOR, clinic)


def specialist(clinic: Clinic | None = None) -> Specialist:
    clinic = clinic or ClinicFactory()
    user = member(SPECIALIST, clinic)
    return Specialist.objects.create(
        clinic=clinic, user=user, title="Dr", specialty="Medical oncology", licence="NY 12345"
    )


def draft(
    clinic: Clinic | None = None, *, user: User | None = None, **fields: object
) -> OpinionRequest:
    """A draft whose every section is filled in, with one clear document of one page."""
    clinic = clinic or ClinicFactory()
    patient = PatientFactory(clinic=clinic, user=user or UserFactory())
    case_file = CaseFile.objects.create(clinic=clinic, patient=patient)
    SafetyFacts.objects.create(
        case_file=case_file, clinic=clinic, has_allergies="yes", allergies="Penicillin",
        has_implants="no", takes_anticoagulants="no", is_pregnant="no",
    )  # fmt: skip
    OriginalDiagnosis.objects.create(
        case_file=case_file, clinic=clinic, icd10_code="C50.912",
        diagnosis="Invasive ductal carcinoma of the left breast", treatment="Mastectomy",
        treatment_state="not_started",
        doctor_name="Dr Original", hospital_name="First Hospital",
    )  # fmt: skip
    opinion_request = OpinionRequest.objects.create(
        **{
            "clinic": clinic,
            "case_file": case_file,
            "started_by": patient.user,
            "purposes": ["options"],
            "review_mode": "sealed",
            "due_at": due_at("draft", urgent=False, clinic=clinic, start=clinic_now()),
            "limits_accepted_at": clinic_now(),
        }
        | fields
    )
    add_question(opinion_request, "Can I keep my breast?")
    document(case_file, by=patient.user)
    return opinion_request


def clinic_now():
    from django.utils import timezone

    return timezone.now()


def add_question(
    opinion_request: OpinionRequest, text: str, *, blinding_class: str = "clear"
) -> Question:
    question = Question.objects.create(
        clinic=opinion_request.clinic,
        opinion_request=opinion_request,
        position=opinion_request.questions.count() + 1,
        blinding_class=blinding_class,
    )
    Wording.objects.create(
        clinic=opinion_request.clinic,
        case_file=opinion_request.case_file,
        question=question,
        text=text,
    )
    return question


def add_statement(opinion_request: OpinionRequest, topic: str, text: str) -> PatientStatement:
    statement = PatientStatement.objects.create(
        clinic=opinion_request.clinic, opinion_request=opinion_request, topic=topic
    )
    Wording.objects.create(
        clinic=opinion_request.clinic,
        case_file=opinion_request.case_file,
        statement=statement,
        text=text,
    )
    return statement


def document(
    case_file: CaseFile,
    *,
    by: User,
    content: bytes = b"",
    file_name: str = "letter.pdf",
    blinding_class: str = "clear",
    status: str = "available",
    **fields: object,
) -> Document:
    """A received document with real stored bytes, classified unless `blinding_class` is empty."""
    content = content or b"%PDF-1.4\n% a test document, one of a kind: " + uuid4().hex.encode()
    key = default_storage.save(new_key("documents"), ContentFile(content))
    made = Document.objects.create(
        **{
            "clinic": case_file.clinic, "case_file": case_file, "by": by, "status": status,
            "kind": "letter", "size_bytes": len(content), "key": key,
            "sha256": hashlib.sha256(content).hexdigest(), "media_type": "application/pdf",
            "blinding_class": blinding_class, "neutral_title": "Letter 1",
            "classified_by": by if blinding_class else None,
            "classified_at": clinic_now() if blinding_class else None,
        } | fields
    )  # fmt: skip
    DocumentName.objects.create(
        document=made, clinic=case_file.clinic, case_file=case_file, file_name=file_name
    )
    return made


WALK = ("draft", "submitted", "collecting", "ready", "referred", "in_review", "quality_check",
        "delivered", "closed")  # fmt: skip


def opinion_request_at(
    status: str, clinic: Clinic | None = None, *, who: Specialist | None = None, **fields: object
) -> OpinionRequest:
    """Walk the real workflow until the request has `status` (see WALK and the branches below)."""
    clinic = clinic or ClinicFactory()
    opinion_request = draft(clinic, **fields)
    patient = opinion_request.started_by
    by = coordinator(clinic)
    if status == "needs_patient":
        opinion_request = requests.submit(opinion_request, truth_name="Maria Example", by=patient)
        return requests.ask_patient(opinion_request, text="Please add the report.", by=by)
    if status == "returned":
        opinion_request = requests.submit(opinion_request, truth_name="Maria Example", by=patient)
        return requests.return_with_advice(opinion_request, advice="See your doctor first.", by=by)
    if status == "withdrawn":
        opinion_request = requests.submit(opinion_request, truth_name="Maria Example", by=patient)
        return requests.withdraw(opinion_request, by=patient)
    return _walk_on(opinion_request, status, who=who, patient=patient, by=by)


def _walk_on(
    opinion_request: OpinionRequest, status: str, *, who: Specialist | None, patient: User, by: User
) -> OpinionRequest:
    """The main road: submitted, collecting, ready, referred, in review, checked, delivered."""
    clinic = opinion_request.clinic
    roads = {
        "submitted": lambda it: requests.submit(it, truth_name="Maria Example", by=patient),
        "collecting": lambda it: requests.accept(it, by=by),
        "ready": lambda it: requests.mark_ready(it, waiver="What we have is enough.", by=by),
        "referred": lambda it: referrals.refer(it, to=who or specialist(clinic), by=by),
        "in_review": lambda it: referrals.take(
            it.referrals.get(), by=it.referrals.get().specialist.user
        ),
        "quality_check": lambda it: sign(it.referrals.get()),
        "delivered": lambda it: deliver(it, by=quality_reviewer(clinic)),
        "closed": lambda it: requests.close(it, by=patient),
    }
    for step in WALK[1 : WALK.index(status) + 1]:
        roads[step](opinion_request)
        opinion_request = OpinionRequest.objects.get(pk=opinion_request.pk)
    return opinion_request


def deliver(opinion_request: OpinionRequest, *, by: User) -> OpinionRequest:
    opinion_request = referrals.begin_check(opinion_request, by=by)
    return referrals.approve(opinion_request, by=by)


INDEPENDENT = {
    "diagnosis": "Invasive carcinoma, stage I", "icd10_code": "C50.912", "certainty": "likely",
    "reasoning": "Imaging and biopsy agree.", "plan": "Lumpectomy with radiotherapy.",
}  # fmt: skip


def write_independent(referral: Referral) -> Referral:
    by = referral.specialist.user
    version = referral.opinion.version
    return referrals.save_independent(referral, version=version, by=by, **INDEPENDENT)


def sealed(referral: Referral) -> Referral:
    referral = write_independent(referral)
    return referrals.seal(Referral.objects.get(pk=referral.pk), by=referral.specialist.user)


def revealed(referral: Referral) -> Referral:
    referral = sealed(referral)
    return referrals.reveal(Referral.objects.get(pk=referral.pk), by=referral.specialist.user)


def completed(referral: Referral) -> Referral:
    """Sealed, revealed and with everything written that a signature needs."""
    if referral.review_mode == "sealed":
        revealed(referral)
    else:
        write_independent(referral)
    referral = Referral.objects.get(pk=referral.pk)
    opinion = referral.opinion
    opinion.comparisons.update(result="same", why="Both readings agree.")
    opinion.answers.update(text="Yes, if the margins are clear.")
    first = opinion.options.get(is_first_doctors_plan=True)
    opinion.options.update(
        benefits="Removes the tumour.", harms="Scars.", name=first.name or "Watch"
    )
    opinion.options.create(
        clinic_id=opinion.clinic_id, position=2, name="Lumpectomy", benefits="Keeps the breast.",
        harms="Radiotherapy follows.", is_recommended=True,
    )  # fmt: skip
    by = referral.specialist.user
    text = {"plain_summary": "You can keep your breast.", "limits": "Nobody was examined."}
    return referrals.save_completion(referral, version=opinion.version, by=by, **text)


def sign(referral: Referral) -> Referral:
    completed(referral)
    return referrals.sign(Referral.objects.get(pk=referral.pk), by=referral.specialist.user)
