"""Everything that is sealed in a world: made from its secret, and from nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import models

from records.models import (
    ClinicalFact,
    Document,
    DocumentPage,
    OriginalDiagnosis,
    Patient,
    Proxy,
    RecordPart,
    Upload,
)
from requests_app.models import (
    Message,
    OpinionRequest,
    PatientStatement,
    PrivateReason,
    Question,
    Report,
    StaffTask,
    StatusChange,
    Wording,
)
from secondop.audit.trail import note
from secondop.notifications.outbox import tell
from specialists import workflow
from specialists.models import Opinion, Panel, PanelSeat, Referral
from tests import factories as make
from tests.contracts.still import BASE, fixed


@dataclass(frozen=True)
class Secret:
    """What differs between worlds."""

    text: str  # every sealed text is made of it
    count: int  # how many sealed rows of each kind
    code: str = "C81.90"
    state: str = "unknown"
    purposes: tuple[str, ...] = ("options",)
    earlier: bool = False  # sealed rows stand before the clear ones
    told: bool = True  # whether there is an original diagnosis at all
    born_on: date = date(1970, 3, 14)
    other_opinion: bool = False
    asks_for_more: bool = False  # the other reader does, and gets it
    is_further: bool = False  # the reader was asked because others differ
    in_panel: bool = False  # which the other reader leads

    def __call__(self, where: str) -> str:
        """The sealed text of one place; a test may ask where a text came from."""
        return f"{self.text} {where}"


def add_fact(
    case: OpinionRequest, document: Document, text: str, *, month: int, value: int,
    kind: str = "lab",
) -> None:  # fmt: skip
    """A laboratory value of one series with the clear ones, or another kind of fact."""
    ClinicalFact.objects.create(
        clinic=case.clinic, case_file=case.case_file, document=document, kind=kind, text=text,
        analyte="hemoglobin" if kind == "lab" else "", value=value, unit="g/dL", page=1,
        on=date(2026, month, 1), place=text[:200], same_as=f"{kind} {month} {value}",
    )  # fmt: skip


def add_part(document: Document, secret: Secret, clear: str = "") -> None:
    """The readable text of an electronic record. Who wrote it and of whom is always sealed."""
    who = {"id": "s1", "depth": 1, "title": secret("author section"), "who": True}
    what = {"id": "s2", "depth": 1, "title": clear or secret("section")}
    blocks = [["p", [clear or secret("section text")]]]
    RecordPart.objects.create(
        clinic=document.clinic, case_file=document.case_file, document=document, number=1,
        head={"title": secret("record"), "by": [secret("author")], "patient": secret("person")},
        headings=[who, what],
        content=[
            {**who, "blocks": [["p", [secret("author text")]]]},
            {**what, "by": [secret("section author")], "on": "2026-01-01", "blocks": blocks},
        ],
    )  # fmt: skip


def hide(case: OpinionRequest, secret: Secret, staff: Any, colleague: Any) -> None:
    tag = str(case.pk)[:8]
    _hide_identity(case, secret, tag)
    _hide_original(case, secret)
    _hide_words(case, secret, tag)
    _hide_messages(case, secret, staff)
    blood = case.case_file.documents.get(kind="lab_results")
    add_part(blood, secret, clear="Haemoglobin 13.1 g/dL")
    for n in range(secret.count):
        _hide_document(case, secret, f"{tag} {n}", n)
    _hide_records_of_the_clinic(case, secret, staff)
    if secret.other_opinion and case.status == "in_review":
        _hide_other_opinion(case, secret, colleague, staff)


def _hide_identity(case: OpinionRequest, secret: Secret, tag: str) -> None:
    patient = case.case_file.patient
    Patient.objects.filter(pk=patient.pk).update(
        full_name=secret("patient name")[:150], born_on=secret.born_on,
        phone=secret("phone")[:40], address=secret("address"), country="US",
    )  # fmt: skip
    user = patient.user
    user.full_name, user.phone = secret("user name")[:150], secret("user phone")[:40]
    user.email = f"{secret.text.split()[0][:20]}-{tag}@example.org".lower()
    user.save()
    for n in range(secret.count):
        helper = make.UserFactory(
            email=f"{secret.text.split()[0][:20]}.{tag}.{n}@example.org".lower()
        )
        Proxy.objects.create(
            clinic=case.clinic, patient=patient, user=helper, authority="permission",
            note=secret("proxy note")[:300], until=BASE.date() + timedelta(days=9),
            recorded_by=helper,
        )  # fmt: skip


def _hide_original(case: OpinionRequest, secret: Secret) -> None:
    original = OriginalDiagnosis.objects.filter(case_file=case.case_file_id)
    if not secret.told:
        original.delete()
    original.update(
        diagnosis=secret("diagnosis")[:300], icd10_code=secret.code, treatment=secret("treatment"),
        treatment_state=secret.state, doctor_name=secret("doctor")[:150],
        hospital_name=secret("hospital")[:200],
        treatment_planned_on=date(2027, 1, 1) + timedelta(days=secret.count),
    )  # fmt: skip
    OpinionRequest.objects.filter(pk=case.pk).update(
        purposes=list(secret.purposes), truth_name=secret("truth name")[:150]
    )


def _hide_words(case: OpinionRequest, secret: Secret, tag: str) -> None:
    """Wordings of neutral questions, unseen questions before or after, an unseen statement."""
    neutral = case.questions.get(neutral_text="Is the diagnosis right?")
    Wording.objects.filter(question=neutral).update(text=secret("neutral wording"))
    for n in range(secret.count):
        question = Question.objects.create(
            id=fixed(f"sealed question {tag} {n}"), clinic=case.clinic, opinion_request=case,
            position=100 + n, blinding_class=("withheld", "", "check")[n % 3],
        )  # fmt: skip
        Wording.objects.create(
            clinic=case.clinic, case_file=case.case_file, question=question,
            text=secret("withheld question"),
        )  # fmt: skip
    if secret.earlier:  # the unseen ones stand first
        Question.objects.filter(opinion_request=case, position__lt=100).update(
            position=models.F("position") + 500
        )
    if secret.count:
        statement = PatientStatement.objects.create(
            id=fixed(f"sealed statement {tag}"), clinic=case.clinic, opinion_request=case,
            topic="story", blinding_class="withheld",
        )  # fmt: skip
        Wording.objects.create(
            clinic=case.clinic, case_file=case.case_file, statement=statement, text=secret("story")
        )
        PrivateReason.objects.create(
            opinion_request=case, clinic=case.clinic, text=secret("private reason")
        )


def _hide_messages(case: OpinionRequest, secret: Secret, staff: Any) -> None:
    """Messages of the clinic to a sealed reader that were withheld before they were opened."""
    sealed = case.referrals.filter(status__in=("taken", "declined"))
    for referral in sealed.select_related("specialist__user"):
        for n in range(secret.count):
            moment = BASE + timedelta(minutes=-5 if secret.earlier else 5 + n)
            message = Message.objects.create(
                clinic=case.clinic, opinion_request=case, thread="specialist", author=staff,
                specialist=referral.specialist.user, from_clinic=True,
                text=secret("withheld message"), withheld_at=moment,
                withheld_by=staff if n % 2 else None,
            )  # fmt: skip
            note("message.withheld", by=staff, about=message, is_opened=False)


def _hide_document(case: OpinionRequest, secret: Secret, name: str, n: int) -> None:
    hidden = make.document(
        case.case_file, by=case.started_by, id=fixed(f"sealed document {name}"),
        file_name=secret("file name.pdf")[-255:], content=secret(f"bytes {name}").encode(),
        blinding_class=("withheld", "check", "")[n % 3], neutral_title=secret("title")[:120],
        status=("available", "available", "held", "quarantined", "available")[n % 5],
        kind=("letter", "lab_results", "pathology_report")[n % 3],
    )  # fmt: skip
    DocumentPage.objects.create(
        clinic=case.clinic, case_file=case.case_file, document=hidden, number=1,
        key=hidden.key, width=10, height=10, text=secret("page text"),
    )  # fmt: skip
    add_part(hidden, secret)
    # One says what a clear paper says, too; the others are a value and a problem of their own.
    add_fact(case, hidden, secret("fact")[:300], month=1, value=13)
    add_fact(case, hidden, secret("fact")[:300], month=2, value=5 + n)
    add_fact(case, hidden, secret("problem")[:300], month=4, value=n, kind="problem")
    moment = BASE + timedelta(minutes=-60 if secret.earlier else 60 + n)
    Document.objects.filter(pk=hidden.pk).update(received_at=moment)
    Upload.objects.create(
        id=fixed(f"sealed upload {name}"), clinic=case.clinic, case_file=case.case_file,
        by=case.started_by, file_name=secret("upload.pdf")[-255:], size_bytes=10 + n, key=f"u{n}",
        expires_at=BASE + timedelta(days=1),
    )  # fmt: skip


def _hide_records_of_the_clinic(case: OpinionRequest, secret: Secret, staff: Any) -> None:
    clear = case.case_file.documents.filter(blinding_class="clear")
    for document in clear.select_related("name"):
        document.name.file_name = secret("clear file name.pdf")[-255:]
        document.name.save()
    for n in range(secret.count):
        Message.objects.create(
            clinic=case.clinic, opinion_request=case, thread="patient", author=case.started_by,
            from_clinic=bool(n % 2), text=secret("patient message"),
        )  # fmt: skip
        StatusChange.objects.create(
            clinic=case.clinic, opinion_request=case, old="collecting", new="ready",
            ball_with="coordinator", by=staff, reason=secret("reason of a change"),
        )  # fmt: skip
        StaffTask.objects.create(
            clinic=case.clinic, opinion_request=case, kind="overdue", done_at=BASE, done_by=staff,
            about_due_at=BASE + timedelta(days=n), outcome=secret("task outcome")[:500],
        )  # fmt: skip
        Report.objects.create(
            clinic=case.clinic, opinion_request=case, version=n + 1, approved_by=staff,
            snapshot={"words": secret("snapshot")}, snapshot_sha256="0" * 64, delivered_at=BASE,
        )  # fmt: skip
        note("document.opened", by=staff, about=case.case_file, n=n)
        tell([staff, case.started_by], "message_for_patient", about=case)


def _hide_other_opinion(case: OpinionRequest, secret: Secret, colleague: Any, staff: Any) -> None:
    other = Referral.objects.create(
        clinic=case.clinic, opinion_request=case, specialist=colleague, review_mode="sealed",
        offered_by=staff, offer_summary=secret("other summary")[:1000],
        answer_by=BASE + timedelta(days=1), review_by=BASE + timedelta(days=2),
    )  # fmt: skip
    workflow.take(other, by=colleague.user)
    words = ("diagnosis", "reasoning", "plan", "differential")
    Opinion.objects.filter(pk=other.pk).update(
        certainty="likely", **{name: secret(f"other opinion {name}")[:300] for name in words}
    )
    Message.objects.create(
        clinic=case.clinic, opinion_request=case, thread="specialist", specialist=colleague.user,
        author=colleague.user, from_clinic=False, text=secret("other thread"),
    )  # fmt: skip
    workflow.seal(Referral.objects.get(pk=other.pk), by=colleague.user)
    if secret.asks_for_more:  # the request goes to the clinic and back while the reader reads
        other = Referral.objects.get(pk=other.pk)
        workflow.ask_for_more(other, text=secret("asked for"), by=colleague.user)
        workflow.resume(OpinionRequest.objects.get(pk=case.pk), by=staff)


def hide_panel(case: OpinionRequest, colleague: Any, staff: Any) -> None:
    """A panel that the colleague leads; the reader is one of its members."""
    panel = Panel.objects.create(
        clinic=case.clinic, opinion_request=case, lead=colleague, made_by=staff
    )
    PanelSeat.objects.create(clinic=case.clinic, panel=panel, specialty="Oncology", needed=2)
    case.referrals.update(panel=panel)
