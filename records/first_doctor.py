"""The lane of the first doctor. The patient holds the switch; "not told" sends nothing, ever.

The name of the first doctor is sealed: asked here for the patient's side and the clinic only.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from records.models import (
    Authorization,
    CaseFile,
    FirstDoctor,
    FirstDoctorDuty,
    OriginalDiagnosis,
    RecordHolder,
    RecordRequest,
)
from records.proxies import on_behalf_of
from secondop.audit.trail import note
from secondop.lib.verdicts import YES, Verdict, never, not_now

Choice = FirstDoctor.Choice
# Words that say what kind of place it is, not which one.
_COMMON = """
dr doctor doctora prof professor the of for and de la el los del y hospital hospitals clinic
clinica klinik clinique medical center centre centro medico health system university
universitario universitatsklinikum general practice group care saint san st
"""
COMMON = frozenset(_COMMON.split())


def choice_of(case_file: CaseFile) -> str:
    """What the patient decided; "not_told" until they did."""
    row = FirstDoctor.objects.filter(case_file=case_file).first()
    return row.choice if row else str(Choice.NOT_TOLD)


def may_choose(user: Any, case_file: CaseFile, choice: str = "") -> Verdict:
    """The patient and who acts for them; never the clinic."""
    if not CaseFile.objects.visible_as("patient", user).filter(pk=case_file.pk).exists():
        return never(_("Only the patient decides whether the first doctor is told."))
    if choice and choice != Choice.TAKES_PART and duty_of(case_file):
        return not_now(
            _("Where you live, your first doctor must take part. You can agree, or stop your"
              " request.")
        )  # fmt: skip
    return YES


def duty_of(case_file: CaseFile) -> FirstDoctorDuty | None:
    """The clinic's own row that says, with its source, that the first doctor must take part.

    No table is built in: no statute that was read for this service makes it a general duty. The
    rules on practising across a border decide over specialists, and boards differ.
    """
    country = case_file.patient.country or case_file.clinic.country
    rows = FirstDoctorDuty.objects.filter(clinic=case_file.clinic_id, country=country)
    found: FirstDoctorDuty | None = rows.first()
    return found


def may_go_on(case_file: CaseFile) -> Verdict:
    """Where the first doctor must take part, the patient has agreed to it first."""
    if duty_of(case_file) and choice_of(case_file) != Choice.TAKES_PART:
        return not_now(
            _("Where the patient lives, the first doctor must take part. The patient has not"
              " agreed to that yet.")
        )  # fmt: skip
    return YES


def wants_their_view(case_file: CaseFile) -> bool:
    """Whether the letter that asks for records also invites the doctor to say what they think."""
    return choice_of(case_file) in (Choice.INVITED, Choice.TAKES_PART)


@transaction.atomic
def choose(case_file: CaseFile, choice: str, *, by: Any) -> FirstDoctor:
    may_choose(by, case_file, choice).or_raise()
    # A letter that is being made at this moment waits, or this waits for it: never both.
    CaseFile.objects.select_for_update().get(pk=case_file.pk)
    row, _new = FirstDoctor.objects.update_or_create(
        case_file=case_file,
        defaults={
            "clinic_id": case_file.clinic_id,
            "choice": choice,
            "chosen_by": by,
            "chosen_at": timezone.now(),
        },
    )
    # PRIVACY: the trail says that it was decided, not what.
    note(
        "first_doctor.chosen", by=by, about=row, role="patient",
        on_behalf_of=on_behalf_of(by, case_file.patient),
    )  # fmt: skip
    return row


def words_of(name: str) -> set[str]:
    """The telling words of a name: lower case, without accents, titles and kinds of places."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return {word for word in re.findall(r"\w+", plain) if len(word) > 1} - COMMON


def is_same_place(one: str, other: str) -> bool:
    """Whether two names may mean the same person or place; rather once too often.

    Every telling word of the shorter name is in the longer one. A name without telling words
    ("General Hospital") is compared whole.
    """
    a, b = words_of(one), words_of(other)
    if not a or not b:
        return bool(one.strip()) and one.strip().casefold() == other.strip().casefold()
    return a <= b or b <= a


def is_first_doctors(holder: RecordHolder) -> bool:
    """Whether asking this holder tells the place of the first doctor that something is asked."""
    if holder.is_first_doctor:
        return True
    return _means_them(holder.case_file_id, [holder.name, holder.contact_name])


def _means_them(case_file_id: Any, names: list[str]) -> bool:
    told = OriginalDiagnosis.objects.filter(case_file_id=case_file_id).first()
    if told is None:
        return False
    theirs = [name for name in (told.doctor_name, told.hospital_name) if name.strip()]
    return any(is_same_place(a, b) for a in theirs for b in names if b.strip())


def may_use_system(
    case_file: CaseFile, title: str, record_request: RecordRequest | None = None
) -> Verdict:
    """Whether we may look in, or send to, the system of this hospital.

    SECURITY: its log tells whoever works there that we did. Where that is the first doctor's place
    and the patient wants it not told, only a signature that says so opens it. When the patient
    signs in there, that is the patient's own doing and not asked here.
    """
    if choice_of(case_file) != Choice.NOT_TOLD:
        return YES
    marked = case_file.record_holders.filter(is_first_doctor=True).values_list("name", flat=True)
    theirs = _means_them(case_file.pk, [title]) or any(is_same_place(a, title) for a in marked)
    if not theirs:
        return YES
    if (
        record_request is not None
        and Authorization.objects.live()
        .filter(record_request=record_request, tells_first_doctor=True)
        .exists()
    ):
        return YES
    return not_now(
        _("This is the first doctor's place, and the patient does not want it to know. Ask the"
          " patient first.")
    )  # fmt: skip


def needs_consent(holder: RecordHolder) -> bool:
    """SECURITY: nothing may go to this holder unless the patient said so for this very letter."""
    return choice_of(holder.case_file) == Choice.NOT_TOLD and is_first_doctors(holder)
