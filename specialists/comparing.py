"""Several opinions about one request, axis by axis. For the coordinator, and the reader after.

SECURITY: nothing here may be shown before `rules.may_compare` or `rules.may_see_others` says so:
each reader is blind to the others until all have sealed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from requests_app.models import OpinionRequest
from specialists.models import Comparison, EarlierOpinion, Opinion, Referral

Text = str | Promise
AGREE, DIFFER, LOOK = "agree", "differ", "look"
WORDS: dict[str, Text] = {
    AGREE: gettext_lazy("They agree"),
    DIFFER: gettext_lazy("They differ"),
    LOOK: gettext_lazy("Look yourself"),
}
CATEGORY = 3  # the letters of an ICD-10-CM code that name the disease: C50 of C50.912


@dataclass(frozen=True)
class Cell:
    """What one reader says on one axis."""

    text: str
    result: str = ""  # against the original diagnosis, in words; "" until they have compared
    why: str = ""


@dataclass(frozen=True)
class Axis:
    key: str
    label: Text
    verdict: str  # agree, differ, look
    cells: tuple[Cell, ...]

    @property
    def word(self) -> Text:
        return WORDS[self.verdict]


@dataclass(frozen=True)
class Side:
    """One opinion beside others: a heading and what it says."""

    heading: str
    sub: str = ""
    rows: tuple[tuple[Text, str], ...] = field(default=())


def opinions_of(opinion_request: OpinionRequest) -> list[Referral]:
    """Every opinion that is sealed or signed, in the order in which it was asked for."""
    rows = opinion_request.referrals.filter(
        status__in=(Referral.Status.SEALED, Referral.Status.SIGNED)
    )
    return list(
        rows.select_related("specialist__user", "opinion__seal")
        .prefetch_related("opinion__comparisons", "opinion__options", "opinion__revisions")
        .order_by("offered_at", "id")
    )


def axes_of(referrals: list[Referral]) -> list[Axis]:
    """Each axis with what every reader says, and whether they agree as far as it can be told."""
    opinions = [referral.opinion for referral in referrals]
    return [_axis(key, label, opinions) for key, label in Comparison.Axis.choices]


def _axis(key: str, label: Text, opinions: list[Opinion]) -> Axis:
    compared = [next((c for c in o.comparisons.all() if c.axis == key), None) for o in opinions]
    results = [c.result if c else "" for c in compared]
    cells = tuple(
        Cell(_said(key, opinion), str(c.get_result_display()) if c and c.result else "",
             c.why if c else "")
        for opinion, c in zip(opinions, compared, strict=True)
    )  # fmt: skip
    if key == Comparison.Axis.DIAGNOSIS:
        verdict = _by_code([o.icd10_code for o in opinions]) or _by_result(results)
    elif key == Comparison.Axis.TREATMENT:
        verdict = _by_choice([_recommended(o) for o in opinions]) or _by_result(results)
    else:
        verdict = _by_result(results)
    return Axis(key, label, verdict, cells)


def _said(key: str, opinion: Opinion) -> str:
    if key == Comparison.Axis.DIAGNOSIS:
        code = f" ({opinion.icd10_code})" if opinion.icd10_code else ""
        return f"{opinion.diagnosis}{code}. {opinion.get_certainty_display()}"
    if key == Comparison.Axis.TREATMENT:
        chosen = _recommended(opinion)
        return f"{chosen}. {opinion.plan}" if chosen else opinion.plan
    return ""


def _recommended(opinion: Opinion) -> str:
    return next((option.name for option in opinion.options.all() if option.is_recommended), "")


def _by_code(codes: list[str]) -> str:
    """Codes of different categories differ. The same category says nothing about the rest."""
    if not all(codes):
        return ""
    return DIFFER if len({code[:CATEGORY].upper() for code in codes}) > 1 else ""


def _by_choice(names: list[str]) -> str:
    if not all(names):
        return ""
    return AGREE if len({" ".join(name.casefold().split()) for name in names}) == 1 else DIFFER


def _by_result(results: list[str]) -> str:
    """All "same" agree with each other. "Same" beside "different" differs. Else a person looks."""
    if set(results) == {Comparison.Result.SAME}:
        return AGREE
    if {Comparison.Result.SAME, Comparison.Result.DIFFERENT} <= set(results):
        return DIFFER
    return LOOK


def differing(referrals: list[Referral]) -> list[Axis]:
    return [axis for axis in axes_of(referrals) if axis.verdict != AGREE]


# --- what a further reader or the lead of a panel sees after the own seal -----------------------


def shown_to(referral: Referral) -> list[Side]:
    """The other opinions for this reader: A and B without names, or a panel's with names.

    SECURITY: ask `rules.may_see_others` first.
    """
    if referral.part == Referral.Part.FURTHER:
        drawn = EarlierOpinion.objects.filter(referral=referral).select_related(
            "earlier__specialist__user", "earlier__opinion__seal"
        )
        return [
            Side(_("Opinion %(letter)s") % {"letter": row.letter}, "", _rows(row.earlier, True))
            for row in drawn.prefetch_related(
                "earlier__opinion__comparisons", "earlier__opinion__options"
            )
        ]
    others = [one for one in opinions_of(referral.opinion_request) if one.pk != referral.pk]
    return [
        Side(one.specialist.signature_name, one.specialist.specialty, _rows(one, False))
        for one in others
        if one.panel_id == referral.panel_id
    ]


LABELS: dict[str, Text] = {
    "diagnosis": gettext_lazy("Diagnosis"),
    "icd10_code": gettext_lazy("ICD-10-CM"),
    "certainty": gettext_lazy("Certainty"),
    "reasoning": gettext_lazy("Reasoning"),
    "differential": gettext_lazy("What else it could be"),
    "plan": gettext_lazy("Plan"),
    "further_tests": gettext_lazy("Further tests"),
}


def _rows(referral: Referral, is_unnamed: bool) -> tuple[tuple[Text, str], ...]:
    opinion = referral.opinion
    said = {name: str(getattr(opinion, name)) for name in LABELS}
    said["certainty"] = str(opinion.get_certainty_display())
    rows: list[tuple[Text, str]] = [(LABELS[name], text) for name, text in said.items() if text]
    if chosen := _recommended(opinion):
        rows.append((_("Recommended"), chosen))
    for row in opinion.comparisons.all():
        if row.result:
            against = _("%(axis)s, against the first doctor") % {"axis": row.get_axis_display()}
            rows.append((against, f"{row.get_result_display()}. {row.why}"))
    if not is_unnamed:
        return tuple(rows)
    return tuple((label, _without_names(text, referral)) for label, text in rows)


def _without_names(text: str, referral: Referral) -> str:
    """Take out who wrote it, where the author names themselves."""
    who = referral.specialist
    names = [who.user.full_name, *who.user.full_name.split(), who.institution]
    for name in sorted((n for n in names if len(n) > 2), key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "…", text, flags=re.IGNORECASE)
    return text
