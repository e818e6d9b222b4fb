"""Worlds that are the same for a sealed reader and differ in what is sealed (`hiding.py`).

Ids, names and times are fixed (`still.py`), so that equal secrets give equal worlds to the byte.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from records.models import (
    CaseFile,
    Document,
    DocumentPage,
    ImagingSeries,
    ImagingStudy,
    Patient,
    Upload,
)
from requests_app.models import Message, OpinionRequest, PatientStatement, Question
from secondop.accounts.models import User
from specialists import workflow
from specialists.models import Referral
from tests import factories as make
from tests.contracts.hiding import Secret, add_fact, hide, hide_panel
from tests.contracts.planting import hide_images, plant_the_rest, store_images
from tests.contracts.still import BASE, fixed, fixed_ids, stop_the_clocks

SEALED_NAMES = ((Question, "question", " 0"), (PatientStatement, "statement", ""),
                (Upload, "upload", " 0"))  # fmt: skip


@dataclass
class World:
    reader: Any
    referral: Referral
    secret: Secret
    ids: list[tuple[str, str]] = field(default_factory=list)  # table and id
    cases: list[str] = field(default_factory=list)  # case files: in hand, and somebody else's
    few: list[str] = field(default_factory=list)  # asked of routes that look no id up


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
        hide(case, secret, staff, colleague)
    hide_images(in_hand, secret)
    if secret.is_further:
        Referral.objects.filter(pk=referral.pk).update(part=Referral.Part.FURTHER)
    if secret.in_panel:
        hide_panel(in_hand, colleague, staff)
    with fixed_ids("rest "):
        plant_the_rest(in_hand, secret, [staff, colleague.user, in_hand.started_by])
    stop_the_clocks()
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
    kept = {"alias": f"CF-CASE-{number}", "alias_key": f"{number:064x}"}
    CaseFile.objects.filter(pk=case.case_file_id).update(**kept)
    case.refresh_from_db()
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
        add_fact(case, blood, "Haemoglobin", month=month, value=value)
    question = make.add_question(case, "Is it what they say?", blinding_class="withheld")
    Question.objects.filter(pk=question.pk).update(neutral_text="Is the diagnosis right?")
    statement = make.add_statement(case, "what_matters", "I want to keep working.")
    PatientStatement.objects.filter(pk=statement.pk).update(blinding_class="clear")
    return OpinionRequest.objects.get(pk=case.pk)


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


def _ids_to_try(cases: list[OpinionRequest]) -> list[tuple[str, str]]:
    """Each situation of each kind of row; the same list in every world.

    In hand, offered, ended, somebody else's; clear and sealed. Sealed rows are not there in every
    world, so that "is there, and hidden" is compared with "is not there".
    """
    in_hand, offered, ended, elsewhere = cases
    tag = str(in_hand.pk)[:8]
    found: list[tuple[Any, Any]] = [(OpinionRequest, case.pk) for case in cases]
    found += [(CaseFile, case.case_file_id) for case in cases]
    found += [(Patient, in_hand.case_file.patient_id), (User, in_hand.started_by_id)]
    mine = in_hand.referrals.get(specialist__user__email="person0@example.org")
    others = [case.referrals.get() for case in (offered, ended, elsewhere)]
    found += [(Referral, referral.pk) for referral in (mine, *others)]
    for case, most in ((in_hand, None), (elsewhere, 1)):
        clear = case.case_file.documents.filter(blinding_class="clear").order_by("pk")[:most]
        found += [(Document, pk) for pk in clear.values_list("pk", flat=True)]
    found += [(Document, fixed(f"sealed document {tag} {n}")) for n in range(2)]
    found += [(model, fixed(f"sealed {what} {tag}{n}")) for model, what, n in SEALED_NAMES]
    neutral = in_hand.questions.exclude(neutral_text="").values_list("pk", flat=True)
    found += [(Question, pk) for pk in neutral]
    shown = PatientStatement.objects.filter(opinion_request=in_hand, blinding_class="clear")
    found += [(PatientStatement, pk) for pk in shown.order_by("pk").values_list("pk", flat=True)]
    cleared = ImagingSeries.objects.get(case_file=in_hand.case_file_id, blinding_class="clear")
    found += [(ImagingSeries, cleared.pk), (ImagingStudy, cleared.study_id)]
    return [(model._meta.db_table, str(pk)) for model, pk in found]
