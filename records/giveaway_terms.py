"""A clinic's list of words that give a diagnosis away: the shipped ones, its own, what is off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from records.blinding_search import shipped
from records.blinding_search.asking import search_clinic
from records.blinding_search.shipped import Term, key_of
from records.models import GiveawayTerm
from secondop.accounts.models import Clinic
from secondop.accounts.roles import ADMINISTRATOR, COORDINATOR
from secondop.audit.trail import note
from secondop.lib.verdicts import YES, Verdict, never, not_now

EDITORS = (COORDINATOR, ADMINISTRATOR)


@dataclass(frozen=True)
class Line:
    """One word of the list, as the page shows it."""

    text: str
    kind: str | Promise
    language: str | Promise
    is_own: bool
    is_active: bool

    @property
    def key(self) -> str:
        return key_of(self.text)


def clinics_of(user: Any) -> list[Clinic]:
    """The clinics whose list this person may edit."""
    return list(Clinic.objects.filter(pk__in=user.clinics_as(*EDITORS)).order_by("name", "pk"))


def may_edit(user: Any, clinic: Clinic) -> Verdict:
    if not any(user.works_as(role, clinic.pk) for role in EDITORS):
        return never(_("Only coordinators and administrators of the clinic edit this list."))
    return YES


def concepts(clinic: Clinic) -> list[tuple[str, str]]:
    """(key, title) of every list: the shipped ones and those the clinic began."""
    found = {key: concept.title for key, concept in shipped.concepts().items()}
    for key in GiveawayTerm.objects.filter(clinic=clinic).values_list("concept", flat=True):
        found.setdefault(key, key.replace("_", " ").capitalize())
    return sorted(found.items(), key=lambda pair: pair[1])


def lines(clinic: Clinic, concept: str) -> list[Line]:
    """Every word of one list, by kind, then alphabetically."""
    rows = list(GiveawayTerm.objects.filter(clinic=clinic, concept=concept))
    listed = shipped.concepts().get(concept)
    terms = {term.key: term for term in (listed.terms if listed else ())}
    off = {key_of(row.term) for row in rows if not row.is_active}
    found = [_line(term, is_own=False, is_active=key not in off) for key, term in terms.items()]
    found += [
        _line(Term(row.term, row.kind, row.language), is_own=True, is_active=row.is_active)
        for row in rows
        if key_of(row.term) not in terms
    ]
    order = [str(label) for _value, label in GiveawayTerm.Kind.choices]
    return sorted(found, key=lambda line: (order.index(str(line.kind)), line.text.casefold()))


def _line(term: Term, *, is_own: bool, is_active: bool) -> Line:
    kind = GiveawayTerm.Kind(term.kind).label
    return Line(term.text, kind, GiveawayTerm.Language(term.language).label, is_own, is_active)


@transaction.atomic
def add(
    clinic: Clinic, *, concept: str, kind: str, language: str, term: str, prefixes: list[str],
    by: Any,
) -> None:  # fmt: skip
    """Search for one more word from now on. Raises Refused when it is listed already."""
    may_edit(by, clinic).or_raise()
    if key_of(term) in {line.key for line in lines(clinic, concept)}:
        not_now(_("This word is on the list already.")).or_raise()
    try:
        with transaction.atomic():
            row = GiveawayTerm.objects.create(
                clinic=clinic, concept=concept, kind=kind, language=language, term=term,
                icd10_prefixes=prefixes, added_by=by,
            )  # fmt: skip
    except IntegrityError:  # a colleague was quicker
        not_now(_("This word is on the list already.")).or_raise()
    note("giveaway_term.added", by=by, about=row, concept=concept, kind=kind)
    search_clinic(clinic.pk)


@transaction.atomic
def switch(clinic: Clinic, concept: str, *, active: set[str], by: Any) -> int:
    """Use exactly the words whose keys are in `active`. Returns how many were changed."""
    may_edit(by, clinic).or_raise()
    Clinic.objects.select_for_update().get(pk=clinic.pk)  # two people at once
    changed = [line for line in lines(clinic, concept) if line.is_active != (line.key in active)]
    for line in changed:
        row = _switch(clinic, concept, line, by)
        is_active = not line.is_active
        note("giveaway_term.switched", by=by, about=row, concept=concept, is_active=is_active)
    if changed:
        search_clinic(clinic.pk)
    return len(changed)


def _switch(clinic: Clinic, concept: str, line: Line, by: Any) -> GiveawayTerm:
    """The row that now says whether the word is used."""
    term = next(
        (t for t in _shipped_terms(concept) if t.key == line.key),
        Term(line.text, GiveawayTerm.Kind.SYNONYM, ""),
    )
    rows = GiveawayTerm.objects.filter(clinic=clinic, concept=concept)
    row = next((row for row in rows if key_of(row.term) == line.key), None)
    if row is None:
        row = GiveawayTerm(clinic=clinic, concept=concept, kind=term.kind, language=term.language,
                           term=term.text, added_by=by)  # fmt: skip
    row.is_active = not line.is_active
    row.save()
    return row


def _shipped_terms(concept: str) -> tuple[Term, ...]:
    listed = shipped.concepts().get(concept)
    return listed.terms if listed else ()
