"""Worlds that are the same for a sealed reader and differ in what is sealed.

Ids, names and times are fixed, so that two worlds with the same secret are equal to the byte.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.apps import apps
from django.db import connection, models
from django.utils import timezone

from records.models import (
    CaseFile,
    ClinicalFact,
    Document,
    DocumentPage,
    OriginalDiagnosis,
    Patient,
    Proxy,
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
from tests.contracts.planting import hide_images, plant_the_rest, store_images

BASE = datetime.now(tz=timezone.get_default_timezone()).replace(
    hour=9, minute=0, second=0, microsecond=0
)
NOW = BASE + timedelta(hours=3)
LATER = {"until", "expires_at", "answer_by", "review_by", "due_at", "about_due_at"}
SEALED_NAMES = (("question", " 0"), ("statement", ""), ("upload", " 0"))


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


@dataclass
class World:
    reader: Any
    referral: Referral
    secret: Secret
    ids: list[str] = field(default_factory=list)  # asked of the specialist's routes
    cases: list[str] = field(default_factory=list)  # case files: in hand, and somebody else's
    few: list[str] = field(default_factory=list)  # asked of all others


def fixed(name: str) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_URL, name)


@contextmanager
def fixed_ids(when: str = "") -> Iterator[None]:
    """New rows of our models get ids that follow from their model, `when` and their number."""
    counted: Counter[str] = Counter()
    changed = []

    def maker(label: str) -> Any:
        def make_id() -> uuid.UUID:
            counted[label] += 1
            return fixed(f"{when}{label} {counted[label]}")

        return make_id

    for model in apps.get_models():
        pk = model._meta.pk
        if isinstance(pk, models.UUIDField) and pk.default is uuid.uuid4:
            changed.append((pk, pk.__dict__.get("_get_default")))
            pk.__dict__["_get_default"] = maker(model._meta.label)
    try:
        yield
    finally:
        for pk, before in changed:
            pk.__dict__.pop("_get_default", None)
            if before:
                pk.__dict__["_get_default"] = before


def build(secret: Secret) -> World:
    """One clinic, one reader with a case in hand, one offer, one ended review, and the secret."""
    for factory in (make.UserFactory, make.ClinicFactory):
        factory.reset_sequence(0, force=True)
    with fixed_ids():
        clinic = make.ClinicFactory()
        reader, colleague = make.specialist(clinic), make.specialist(clinic)
        staff = make.coordinator(clinic)
        cases = [_case(clinic, number) for number in range(1, 5)]
        for case in cases:
            _walk_to_referral(case, staff)
        in_hand, offered, ended, elsewhere = cases
        store_images(in_hand, secret)
        for case in (in_hand, offered, ended):
            workflow.refer(case, to=reader, by=staff, summary="Please look at the imaging.")
        workflow.refer(elsewhere, to=colleague, by=staff)
        referral = workflow.take(Referral.objects.get(opinion_request=in_hand), by=reader.user)
        gone = workflow.take(Referral.objects.get(opinion_request=ended), by=reader.user)
        workflow.decline(gone, reason="no_time", by=reader.user)
        _thread(in_hand, reader, staff)
    for case in cases:
        case.refresh_from_db()
        _hide(case, secret, staff, colleague)
    hide_images(in_hand, secret)
    if secret.is_further:
        Referral.objects.filter(pk=referral.pk).update(part=Referral.Part.FURTHER)
    if secret.in_panel:
        _hide_panel(in_hand, colleague, staff)
    with fixed_ids("rest "):
        plant_the_rest(in_hand, secret, [staff, colleague.user, in_hand.started_by])
    _stop_the_clocks()
    world = World(reader.user, Referral.objects.get(pk=referral.pk), secret)
    world.ids = _ids_to_try(cases)
    tag = str(in_hand.pk)[:8]
    clear = in_hand.case_file.documents.filter(blinding_class="clear").order_by("pk")[:1]
    few = [in_hand.pk, in_hand.case_file_id, referral.pk, *clear.values_list("pk", flat=True)]
    few += [fixed(f"sealed document {tag} 0"), fixed(f"sealed question {tag} 0")]
    world.cases = [str(in_hand.case_file_id), str(cases[3].case_file_id)]
    world.few = [str(pk) for pk in few]
    return world


def _case(clinic: Any, number: int) -> OpinionRequest:
    case = make.draft(clinic, reference=f"SO-CASE-{number}")
    CaseFile.objects.filter(pk=case.case_file_id).update(alias=f"CF-CASE-{number}")
    blood = make.document(
        case.case_file,
        by=case.started_by,
        kind="lab_results",
        neutral_title="",
        content=b"%PDF-1.4 blood",
    )
    for document in case.case_file.documents.all():
        DocumentPage.objects.create(
            clinic=clinic, case_file=case.case_file, document=document, number=1, width=600,
            height=800, key=document.key, text="Haemoglobin 13.1",
        )  # fmt: skip
    Document.objects.filter(pk=blood.pk).update(received_at=BASE + timedelta(minutes=1))
    for month, value in ((1, 13), (3, 12)):  # shown to a sealed reader, as the paper is
        _fact(case, blood, "Haemoglobin", month=month, value=value)
    question = make.add_question(case, "Is it what they say?", blinding_class="withheld")
    Question.objects.filter(pk=question.pk).update(neutral_text="Is the diagnosis right?")
    statement = make.add_statement(case, "what_matters", "I want to keep working.")
    PatientStatement.objects.filter(pk=statement.pk).update(blinding_class="clear")
    return OpinionRequest.objects.get(pk=case.pk)


def _fact(
    case: OpinionRequest, document: Document, text: str, *, month: int, value: int,
    kind: str = "lab",
) -> None:  # fmt: skip
    """A laboratory value of one series with the clear ones, or another kind of fact."""
    ClinicalFact.objects.create(
        clinic=case.clinic, case_file=case.case_file, document=document, kind=kind, text=text,
        analyte="hemoglobin" if kind == "lab" else "", value=value, unit="g/dL", page=1,
        on=date(2026, month, 1), place=text[:200], same_as=f"{kind} {month} {value}",
    )  # fmt: skip


def _walk_to_referral(case: OpinionRequest, staff: Any) -> None:
    from requests_app import workflow as requests

    case = requests.submit(case, truth_name="A Person", by=case.started_by)
    case = requests.accept(case, by=staff)
    requests.mark_ready(case, waiver="What we have is enough.", by=staff)


def _thread(case: OpinionRequest, reader: Any, staff: Any) -> None:
    for from_clinic, author, text in ((False, reader.user, "Hello?"), (True, staff, "Yes?")):
        Message.objects.create(
            clinic=case.clinic, opinion_request=case, thread="specialist", specialist=reader.user,
            author=author, from_clinic=from_clinic, text=text,
        )  # fmt: skip


# --- everything that is sealed -------------------------------------------------------------------


def _hide(case: OpinionRequest, secret: Secret, staff: Any, colleague: Any) -> None:
    tag = str(case.pk)[:8]
    _hide_identity(case, secret, tag)
    _hide_original(case, secret)
    _hide_words(case, secret, tag)
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
    # One says what a clear paper says, too; the others are a value and a problem of their own.
    _fact(case, hidden, secret("fact")[:300], month=1, value=13)
    _fact(case, hidden, secret("fact")[:300], month=2, value=5 + n)
    _fact(case, hidden, secret("problem")[:300], month=4, value=n, kind="problem")
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


def _hide_panel(case: OpinionRequest, colleague: Any, staff: Any) -> None:
    """A panel that the colleague leads; the reader is one of its members."""
    panel = Panel.objects.create(
        clinic=case.clinic, opinion_request=case, lead=colleague, made_by=staff
    )
    PanelSeat.objects.create(clinic=case.clinic, panel=panel, specialty="Oncology", needed=2)
    case.referrals.update(panel=panel)


def _append_only_tables() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname='append_only'")
        return {name for (name,) in cursor.fetchall()}


def _stop_the_clocks() -> None:
    """Every moment in the database becomes one of two; only documents keep their order."""
    append_only = _append_only_tables()
    for model in apps.get_models():
        if model._meta.app_label in {"sessions", "axes", "usersessions"}:
            continue
        if model._meta.db_table in append_only or not model._meta.managed:
            continue
        for column in model._meta.concrete_fields:
            if not isinstance(column, models.DateTimeField):
                continue
            if (model, column.name) == (Document, "received_at"):
                continue
            rows = model._default_manager.filter(**{f"{column.name}__isnull": False})
            if model is StaffTask and column.name == "about_due_at":
                continue
            rows.update(**{column.name: BASE + timedelta(days=40 if column.name in LATER else 0)})
    clear = Document.objects.filter(blinding_class="clear").order_by("pk")
    for n, pk in enumerate(clear.values_list("pk", flat=True)):
        Document.objects.filter(pk=pk).update(received_at=BASE + timedelta(minutes=n))


def _ids_to_try(cases: list[OpinionRequest]) -> list[str]:
    """The same list in every world: ids of rows that are there, and of sealed ones that may be."""
    in_hand, offered, _ended, elsewhere = cases
    tag = str(in_hand.pk)[:8]
    mine = in_hand.referrals.filter(specialist__user__email="person0@example.org")
    clear = in_hand.case_file.documents.filter(blinding_class="clear").order_by("pk")
    neutral = in_hand.questions.exclude(neutral_text="")
    ids: list[Any] = [in_hand.pk, in_hand.case_file_id, in_hand.case_file.patient_id]
    ids += [mine.values_list("pk", flat=True)[0], *clear.values_list("pk", flat=True)]
    ids += [fixed(f"sealed document {tag} {n}") for n in range(2)]
    ids += [fixed(f"sealed {what} {tag}{n}") for what, n in SEALED_NAMES]
    ids += [*neutral.values_list("pk", flat=True), in_hand.started_by_id]
    ids += [offered.pk, offered.case_file_id, offered.referrals.get().pk]
    ids += [elsewhere.pk, elsewhere.referrals.get().pk]
    other = elsewhere.case_file.documents.filter(blinding_class="clear").order_by("pk")
    ids += list(other.values_list("pk", flat=True)[:1])
    return [str(pk) for pk in ids]
