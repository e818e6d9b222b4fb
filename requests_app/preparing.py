"""What a sealed specialist may see of each document and of each thing the patient wrote.

The blinding desk's data and its two changes. The hints are a literal search for the words of the
original diagnosis: they help a person decide, they never decide.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from records import blinding
from records.documents import findings_in_words
from records.models import CaseFile, Document, IcdCode, OriginalDiagnosis
from records.models.case_file import BlindingClass
from requests_app import rules
from requests_app.models import OpinionRequest, PatientStatement, Question
from secondop.accounts.models import User
from secondop.accounts.roles import COORDINATOR
from secondop.audit.models import AuditEvent
from secondop.audit.trail import note
from secondop.lib.canonical import sha256_of
from secondop.lib.transitions import lock
from secondop.lib.verdicts import CONFLICT, Refused

Words = Question | PatientStatement
PAGES_SHOWN = 6
# Words that every letter has: finding them says nothing.
USUAL = frozenset([
    "about", "acute", "after", "before", "center", "centre", "chronic", "clinic", "disease",
    "disorder", "doctor", "female", "first", "general", "health", "hospital", "left", "male",
    "medical", "other", "part", "parts", "right", "side", "specified", "syndrome", "that", "their",
    "therapy", "this", "treatment", "university", "unspecified", "with", "without",
])  # fmt: skip
VERBS = {"question": "question.classified", "patientstatement": "statement.classified"}


@dataclass(frozen=True)
class Hit:
    word: str
    count: int


class ItemChanged(Refused):
    """A colleague classified the same item after this page was loaded."""


def giveaways(case_file: CaseFile) -> list[str]:
    """Words that would give the first opinion, or who gave it, or who the patient is, away."""
    told = OriginalDiagnosis.objects.filter(case_file=case_file).first()
    texts: list[str] = [case_file.patient.full_name]
    if told:
        texts += [told.diagnosis, told.treatment, told.doctor_name, told.hospital_name]
        if told.icd10_code:
            titles = IcdCode.objects.filter(code=told.icd10_code).values_list("title", flat=True)
            texts += [told.icd10_code, *titles]
    words: dict[str, str] = {}
    for text in texts:
        for word in re.findall(r"[^\W_](?:[\w.-]*[^\W_])?", text):
            key = _folded(word)
            if len(key) >= 4 and key not in USUAL:
                words.setdefault(key, word.casefold())
    return list(words.values())


def hits_in(text: str, words: list[str]) -> list[Hit]:
    """Count each word where it begins a word of the text; case and accents do not matter."""
    if not words or not text:
        return []
    shown = {_folded(word): word for word in words}
    longest_first = sorted(shown, key=len, reverse=True)
    pattern = re.compile(rf"(?<!\w)({'|'.join(map(re.escape, longest_first))})")
    found = Counter(pattern.findall(_folded(text)))
    return [Hit(shown[key], number) for key, number in found.most_common()]


def _folded(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


@dataclass
class DeskDocument:
    document: Document
    name: str
    pages: list[Any]  # DocumentPage, the first few
    hits: list[Hit]
    seen: str
    notes: list[Any]  # what screening found, in sentences
    form: Any = None
    message: str = ""  # what just happened to it


@dataclass
class DeskWords:
    item: Words
    kind: str  # "question" or "statement"
    title: str
    text: str
    hits: list[Hit]
    seen: str
    form: Any = None
    message: str = ""


@dataclass
class Desk:
    documents: list[DeskDocument]
    not_ready: list[Document]
    words: list[DeskWords]

    @property
    def total(self) -> int:
        return len(self.documents) + len(self.words)

    @property
    def classified(self) -> int:
        done = [d.document for d in self.documents] + [w.item for w in self.words]
        return sum(bool(item.blinding_class) for item in done)


def desk(opinion_request: OpinionRequest) -> Desk:
    """Every item with its hints, by a fixed number of queries."""
    words = giveaways(opinion_request.case_file)
    documents = list(
        opinion_request.case_file.documents.exclude(status__in=["removed", "rejected"])
        .select_related("name", "classified_by")
        .prefetch_related(models.Prefetch("pages", to_attr="all_pages"))
        .order_by("received_at", "pk")
    )
    ready = [document for document in documents if document.status == "available"]
    return Desk(
        documents=[_desk_document(document, words) for document in ready],
        not_ready=[document for document in documents if document.status != "available"],
        words=[
            _desk_words(question, "question", _("Question %(n)d") % {"n": number}, words)
            for number, question in enumerate(
                opinion_request.questions.select_related("wording"), 1
            )
        ]
        + [
            _desk_words(statement, "statement", statement.get_topic_display(), words)
            for statement in opinion_request.patientstatements.select_related("wording").order_by(
                "topic"
            )
        ],
    )


def _desk_document(document: Any, words: list[str]) -> DeskDocument:
    name = document.name.file_name if hasattr(document, "name") else ""
    pages = sorted(document.all_pages, key=lambda page: page.number)
    text = "\n".join(
        [name.replace("_", " "), document.neutral_title, *(page.text for page in pages)]
    )
    return DeskDocument(
        document, name or document.get_kind_display(), pages[:PAGES_SHOWN], hits_in(text, words),
        seen_of(document), findings_in_words(document),
    )  # fmt: skip


def _desk_words(item: Any, kind: str, title: str, words: list[str]) -> DeskWords:
    text = item.wording.text
    found = hits_in(f"{text}\n{item.neutral_text}", words)
    return DeskWords(item, kind, title, text, found, seen_of(item))


def seen_of(item: Document | Words) -> str:
    """A short digest of an item's class and neutral words: what a page has seen of it."""
    neutral = item.neutral_title if isinstance(item, Document) else item.neutral_text
    return sha256_of(f"{item.blinding_class}\n{neutral}")[:16]


@dataclass(frozen=True)
class Preview:
    """What a sealed specialist will see, from the same functions that their pages ask."""

    age_band: str
    sex: str
    documents: list[str]
    words: list[str]


def preview(opinion_request: OpinionRequest, today: Any) -> Preview:
    case_file = opinion_request.case_file
    items: list[Any] = [
        *opinion_request.questions.select_related("wording"),
        *opinion_request.patientstatements.select_related("wording").order_by("topic"),
    ]
    patient = case_file.patient
    return Preview(
        age_band=case_file.age_band(today),
        sex=patient.get_sex_display() if patient.sex else "",
        documents=[title for _document, title in blinding.documents_for(case_file, "sealed")],
        words=[shown for item in items if (shown := blinding.words_for(item, "sealed"))],
    )


def classify_document(
    document: Document, *, blinding_class: str, neutral_title: str, seen: str, by: Any
) -> Document:
    """Decide about one document. Raises: Refused, ItemChanged (409)."""
    request_of = document.case_file.opinion_request
    with transaction.atomic():
        rules.may_prepare(by, lock(request_of)).or_raise()
        fresh = Document.objects.select_for_update(of=("self",)).get(pk=document.pk)
        _refuse_if_changed(fresh, seen)
        fresh.blinding_class, fresh.neutral_title = blinding_class, neutral_title
        fresh.classified_by, fresh.classified_at = by, timezone.now()
        fresh.save(
            update_fields=["blinding_class", "neutral_title", "classified_by", "classified_at"]
        )
        as_class = {"blinding_class": str(blinding_class)}
        note("document.classified", by=by, about=fresh, role=COORDINATOR, **as_class)
    return fresh


def classify_words(item: Words, *, choice: str, neutral_text: str, seen: str, by: Any) -> Words:
    """Show a question or statement as written, in neutral words, or not at all."""
    with transaction.atomic():
        rules.may_prepare(by, lock(item.opinion_request)).or_raise()
        fresh = type(item)._default_manager.select_for_update(of=("self",)).get(pk=item.pk)
        _refuse_if_changed(fresh, seen)
        shown = choice == "as_written"
        fresh.blinding_class = BlindingClass.CLEAR if shown else BlindingClass.WITHHELD
        fresh.neutral_text = neutral_text if choice == "neutral" else ""
        fresh.save(update_fields=["blinding_class", "neutral_text"])
        verb = VERBS[str(fresh._meta.model_name)]
        as_class = {"blinding_class": str(fresh.blinding_class), "is_reworded": choice == "neutral"}
        note(verb, by=by, about=fresh, role=COORDINATOR, **as_class)
    return fresh


def choice_of(item: Words) -> str:
    """The answer a person gave at the desk; empty when nobody decided yet."""
    if item.blinding_class == BlindingClass.CLEAR:
        return "as_written"
    if not item.blinding_class:
        return ""
    return "neutral" if item.neutral_text else "withhold"


def _refuse_if_changed(item: Document | Words, seen: str) -> None:
    if seen == seen_of(item):
        return
    last = AuditEvent.objects.filter(
        about_type=item._meta.label_lower, about_id=str(item.pk), verb__endswith=".classified"
    ).order_by("-number").first()  # fmt: skip
    person = User.objects.filter(pk=last.actor_id).first() if last and last.actor_id else None
    who = person.display_name if person else _("A colleague")
    sentence = _("%(who)s decided about this in the meantime. Nothing was changed; look again.")
    raise ItemChanged(sentence % {"who": who}, CONFLICT)
