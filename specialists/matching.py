"""Who fits a request, and why: a simple ranking whose every point is a sentence. For coordinators.

Never used: how often somebody disagrees with first opinions, stars, revenue (domain/WORKFLOWS 4.7).
It proposes; a person decides.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, Q
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from records.models import IcdCode, OriginalDiagnosis
from requests_app.models import OpinionRequest
from secondop.lib.verdicts import Verdict
from specialists import rules
from specialists.models import Referral, Specialist

SAME_FIELD, SAME_INTEREST, SAME_LANGUAGE, DOES_OPERATIONS, HAS_ROOM = 4, 2, 3, 2, 2
MOST_INTERESTS = 2  # a long list of interests must not win by its length
STEM = 6  # "oncology" and "oncologist" begin alike
TURNAROUND_DAYS = 365

LANGUAGES: dict[str, str | Promise] = {
    "en": gettext_lazy("English"), "es": gettext_lazy("Spanish"), "fr": gettext_lazy("French"),
    "de": gettext_lazy("German"), "pt": gettext_lazy("Portuguese"), "zh": gettext_lazy("Chinese"),
    "ar": gettext_lazy("Arabic"), "hi": gettext_lazy("Hindi"), "ru": gettext_lazy("Russian"),
    "it": gettext_lazy("Italian"), "vi": gettext_lazy("Vietnamese"),
}  # fmt: skip
# Chapters of ICD-10-CM by their first letters, and the stems of the specialties that treat them.
FIELDS: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("A", "B"), ("infect", "tropic", "hepato")),
    (
        ("C", "D0", "D1", "D2", "D3", "D4"),
        ("oncolo", "cancer", "tumor", "tumour", "radiat", "radiot"),
    ),
    (("D5", "D6", "D7", "D8"), ("hemato", "haemat", "immuno")),
    (("E",), ("endocr", "diabet", "metabo")),
    (("F",), ("psychi", "psycho")),
    (("G",), ("neurol", "neuros")),
    (("H0", "H1", "H2", "H3", "H4", "H5"), ("ophtha",)),
    (("H6", "H7", "H8", "H9"), ("otolar", "otorhi", "ear")),
    (("I",), ("cardio", "vascul", "heart", "neurov")),
    (("J",), ("pulmon", "respir", "lung", "thorac")),
    (("K",), ("gastro", "hepato", "digest", "colore", "bowel")),
    (("L",), ("dermat", "skin")),
    (("M",), ("orthop", "orthopa", "rheuma", "spine")),
    (("N",), ("nephro", "urolog", "gyneco", "gynaec")),
    (("O",), ("obstet",)),
    (("P",), ("neonat", "paedia", "pediat")),
    (("Q",), ("geneti", "paedia", "pediat")),
    (("S", "T"), ("trauma", "orthop", "emerge")),
)


@dataclass
class Candidate:
    specialist: Specialist
    verdict: Verdict
    score: int = 0
    reasons: list[str] = field(default_factory=list)
    cautions: list[str] = field(default_factory=list)
    languages: list[str] = field(default_factory=list)
    open_count: int = 0
    turnaround: str = ""  # "2.5 days (7 opinions)"
    earlier: str = ""  # what became of an earlier offer of this request


def candidates(user: Any, opinion_request: OpinionRequest) -> list[Candidate]:
    """Every specialist of the clinic, those who can be asked first, best match first."""
    involved = rules.involved_in(opinion_request)
    found = (
        Specialist.objects.filter(clinic_id=opinion_request.clinic_id)
        .select_related("user")
        .annotate(open_count=Count("referrals", filter=Q(referrals__status__in=Referral.OPEN)))
        .order_by("user__full_name", "pk")
    )
    needs = _needs_of(opinion_request)
    times = _turnarounds(opinion_request.clinic_id)
    earlier = _earlier_answers(opinion_request)
    listed = []
    for specialist in found:
        candidate = Candidate(
            specialist,
            rules.may_be_asked(specialist, opinion_request, involved),
            languages=[str(LANGUAGES.get(code, code)) for code in specialist.languages],
            open_count=specialist.open_count,  # type: ignore[attr-defined]
            turnaround=times.get(specialist.pk, ""),
            earlier=earlier.get(specialist.pk, ""),
        )
        _weigh(candidate, needs)
        listed.append(candidate)
    return sorted(listed, key=lambda one: (not one.verdict, -one.score))


@dataclass(frozen=True)
class Needs:
    """What is looked for. It holds health data: it is compared here and shown to nobody."""

    language: str
    stems: tuple[str, ...]  # of the specialties that treat the chapter of the code
    words: frozenset[str]  # stems of the diagnosis and the treatment
    asks_about_operation: bool


def _needs_of(opinion_request: OpinionRequest) -> Needs:
    told = OriginalDiagnosis.objects.filter(case_file=opinion_request.case_file_id).first()
    code = told.icd10_code.upper() if told else ""
    titles = IcdCode.objects.filter(code=code).values_list("title", flat=True) if code else []
    text = " ".join([told.diagnosis, told.treatment, *titles]) if told else ""
    stems = [
        stem for starts, field_stems in FIELDS if code.startswith(starts) for stem in field_stems
    ]
    account = opinion_request.case_file.patient.user
    operation = {"need_surgery", "planned_treatment"} & set(opinion_request.purposes)
    return Needs(account.language if account else "", tuple(stems), _stems(text), bool(operation))


def _stems(text: str) -> frozenset[str]:
    apart = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return frozenset(word[:STEM] for word in re.findall(r"[a-z]{5,}", plain))


def _weigh(candidate: Candidate, needs: Needs) -> None:
    """Add points, each with the sentence that stands for it."""
    specialist = candidate.specialist
    field_stems = _stems(specialist.specialty)
    if any(stem.startswith(known) for stem in field_stems for known in needs.stems):
        candidate.score += SAME_FIELD
        candidate.reasons.append(_("Works in the field of this request"))
    shared = [i for i in specialist.interests if _stems(i) & (needs.words | set(needs.stems))]
    if shared:
        candidate.score += SAME_INTEREST * min(len(shared), MOST_INTERESTS)
        candidate.reasons.append(_("Special interest: %(words)s") % {"words": ", ".join(shared)})
    if needs.asks_about_operation and _operates(specialist):
        candidate.score += DOES_OPERATIONS
        candidate.reasons.append(_("Operates: the patient asks about an operation or a plan"))
    if needs.language and needs.language in specialist.languages:
        candidate.score += SAME_LANGUAGE
        language = LANGUAGES.get(needs.language, needs.language)
        candidate.reasons.append(
            _("Speaks the patient's language (%(language)s)") % {"language": language}
        )
    elif needs.language and specialist.languages:
        candidate.cautions.append(_("Does not speak the patient's language"))
    free = specialist.capacity - candidate.open_count
    if free > 0:
        candidate.score += HAS_ROOM if candidate.open_count == 0 else HAS_ROOM - 1
        words = ngettext("Has room for %(n)d more", "Has room for %(n)d more", free)
        candidate.reasons.append(words % {"n": free})
    else:
        candidate.score -= HAS_ROOM
        candidate.cautions.append(_("Has as many open reviews as they want"))
    if candidate.earlier:
        candidate.cautions.append(candidate.earlier)


def _operates(specialist: Specialist) -> bool:
    return any("surg" in text.casefold() for text in [specialist.specialty, *specialist.interests])


def _turnarounds(clinic_id: Any) -> dict[Any, str]:
    """Median days from taking to signing over the last year, with how many opinions it rests on."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT r.specialist_id, count(*), percentile_cont(0.5) WITHIN GROUP (
                ORDER BY EXTRACT(EPOCH FROM o.signed_at - r.taken_at)) / 86400
            FROM specialists_specialist s
            JOIN specialists_referral r ON r.specialist_id = s.id AND r.review_by > %s
            JOIN specialists_opinion o ON o.referral_id = r.id AND o.signed_at IS NOT NULL
            WHERE s.clinic_id = %s
            GROUP BY r.specialist_id
            """,
            [timezone.now() - timedelta(days=TURNAROUND_DAYS), clinic_id],
        )
        return {pk: _in_days(number, float(days)) for pk, number, days in cursor.fetchall()}


def _in_days(number: int, days: float) -> str:
    words = ngettext(
        "%(days)s days (%(n)d opinion)", "%(days)s days in the middle (%(n)d opinions)", number
    )
    return words % {"days": number_format(round(days, 1), 1), "n": number}


def _earlier_answers(opinion_request: OpinionRequest) -> dict[Any, str]:
    """Who was asked about this request before, and how that ended."""
    answers: dict[Any, str] = {}
    for referral in opinion_request.referrals.exclude(status__in=Referral.OPEN).order_by(
        "offered_at"
    ):
        how = str(referral.get_status_display()).lower()
        if referral.decline_reason:
            how = f"{how} ({str(referral.get_decline_reason_display()).lower()})"
        answers[referral.specialist_id] = _("Was asked before: %(how)s") % {"how": how}
    return answers
