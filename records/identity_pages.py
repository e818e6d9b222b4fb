"""What people see of identity checks: the coordinator side by side, the patient masked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records import identity_checks as checks
from records import identity_workflow as workflow
from records.identity import date_of
from records.models import CaseFile, IdentityCheck, Patient
from secondop.lib.verdicts import Verdict

SEXES: dict[str, str | Promise] = {
    "m": gettext_lazy("Male"), "male": gettext_lazy("Male"),
    "f": gettext_lazy("Female"), "female": gettext_lazy("Female"),
}  # fmt: skip
BADGES = {"same": "done", "unsure": "wait", "different": "bad", "unnamed": "plain"}


@dataclass(frozen=True)
class Side:
    """Whom the record names, or the patient, in four lines."""

    name: str
    born: Any  # a date, or masked figures
    sex: str | Promise
    number: str


@dataclass(frozen=True)
class Line:
    """One record in question."""

    check: IdentityCheck
    what: str | Promise
    badge: str
    people: list[Side]
    reasons: list[str | Promise]
    may_decide: Verdict

    @property
    def is_likely(self) -> bool:
        """A married name, a slip of the pen: worth asking the patient."""
        return self.check.verdict == IdentityCheck.Verdict.UNSURE


@dataclass(frozen=True)
class Question:
    """What the patient is asked. PRIVACY: initials and the century, whoever it may be."""

    check: IdentityCheck
    name: str
    born: str
    what: str | Promise


def _rows(case_file: CaseFile) -> Any:
    rows = IdentityCheck.objects.filter(case_file=case_file)
    return rows.select_related("document", "study", "decided_by").order_by("compared_at", "pk")


def count_open(case_file: CaseFile) -> int:
    return IdentityCheck.objects.filter(case_file=case_file).open().count()


def open_lines(case_file: CaseFile, user: Any, *, in_full: bool) -> list[Line]:
    return [line_of(check, user, in_full=in_full) for check in _rows(case_file).open()]


def decided_lines(case_file: CaseFile, user: Any) -> list[Line]:
    return [line_of(check, user, in_full=False) for check in _rows(case_file).exclude(decision="")]


def line_of(check: IdentityCheck, user: Any, *, in_full: bool) -> Line:
    told = check.told if in_full else checks.masked(check.told)
    return Line(
        check=check,
        what=what_it_is(check),
        badge=BADGES.get(check.verdict, "plain"),
        people=[_side(one) for one in told],
        reasons=checks.reasons_in_words(check),
        may_decide=workflow.may_decide(user, check),
    )


def _side(one: checks.Told) -> Side:
    born = one.get("born", "")
    return Side(
        name=one.get("name", "").replace("^", " ").strip(),
        born=date_of(born) or born,
        sex=SEXES.get(one.get("sex", "").lower(), ""),
        number=one.get("id", ""),
    )


def side_of_patient(patient: Patient) -> Side:
    return Side(patient.full_name, patient.born_on, patient.get_sex_display(), "")


def what_it_is(check: IdentityCheck) -> str | Promise:
    """Images or the kind of document; its own title may give something away."""
    if check.study:
        return _("Images")
    return check.document.get_kind_display() if check.document else _("A record")


def questions(case_file: CaseFile) -> list[Question]:
    """Open ones that the patient did not answer yet."""
    asked = []
    for check in _rows(case_file).open().filter(answer=""):
        [one, *_others] = checks.masked(check.told) or [{"name": "", "born": ""}]
        asked.append(Question(check, one.get("name", ""), one.get("born", ""), what_it_is(check)))
    return asked
