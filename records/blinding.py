"""What a person may see inside a case file. Every page, API and export asks here and nowhere else.

SECURITY: a live sealed grant wins over every other reason to see the file. Whoever reviews a case
sealed and is also a coordinator of the clinic sees it sealed on every route until the reveal.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal

from django.db.models import QuerySet

from records.models import AccessGrant, CaseFile, Document, RecordPart
from records.models.case_file import BlindingClass

Sight = Literal["", "sealed", "full"]


def sight_of(user: Any, case_file: CaseFile) -> Sight:
    """Return "full", "sealed", or "" for somebody who may not open the case file at all.

    Two queries at most: the grants of this person, then whether the file is otherwise visible.
    """
    if not user.is_authenticated:
        return ""
    mine = AccessGrant.objects.live().filter(case_file=case_file, to=user)
    if mine.filter(sight=AccessGrant.Sight.SEALED).exists():
        visible = CaseFile.objects.visible_as("specialist", user) | CaseFile.objects.visible_as(
            "quality_reviewer", user
        )
        return "sealed" if visible.filter(pk=case_file.pk).exists() else ""
    return "full" if CaseFile.objects.visible_to(user).filter(pk=case_file.pk).exists() else ""


def withheld_count(case_file: CaseFile) -> int:
    """How many usable documents a sealed reader does not get. For staff and the patient.

    SECURITY: never shown to a sealed reader: the number itself would be a channel.
    """
    usable = Document.objects.filter(case_file=case_file).available()
    clear = usable.filter(blinding_class=BlindingClass.CLEAR)
    covered = clear.exclude(parent=None).values("parent")
    return usable.exclude(pk__in=clear).exclude(pk__in=covered).count()


def title_for(document: Document, sight: Sight, position: int = 0) -> str:
    """The name of a document for one sight: the sender's own, or a neutral one."""
    if sight == "full":
        return document.name.file_name
    return document.neutral_title or f"{document.get_kind_display()} {position or ''}".strip()


def instead_of_originals(rows: Any) -> Any:
    """Of clear documents those a sealed reader gets: a redacted copy, never its original beside it.

    SECURITY: both together would tell that, and what, was covered.
    """
    return rows.exclude(pk__in=rows.exclude(parent=None).values("parent"))


def documents_for(case_file: CaseFile, sight: Sight) -> list[tuple[Document, str]]:
    """Return the documents inside a case file with their titles, as this sight shows them.

    SECURITY: rows, order and numbers come from visible rows alone. Full sight lists what was clear
    before first, so that a document keeps its number when the rest is opened.
    """
    rows = case_file.documents.available()
    if sight == "sealed":
        rows = instead_of_originals(rows.filter(blinding_class=BlindingClass.CLEAR))
    elif sight != "full":
        return []
    documents = list(rows.order_by("received_at", "pk"))
    documents.sort(key=lambda document: document.blinding_class != BlindingClass.CLEAR)
    seen: Counter[str] = Counter()
    titled = []
    for document in documents:
        seen[document.kind] += 1
        titled.append((document, title_for(document, "sealed", seen[document.kind])))
    return titled


def parts_for(document: Document, sight: Sight) -> QuerySet[RecordPart]:
    """The text of an electronic record, for this sight: none unless the document itself is shown.

    SECURITY: also for a caller that forgot to ask whether the document may be opened at all.
    """
    if sight == "full":
        return document.parts.all()
    if sight == "sealed":
        clear = Document.objects.available().filter(blinding_class=BlindingClass.CLEAR)
        shown = instead_of_originals(clear.filter(case_file=document.case_file_id))
        return document.parts.filter(document__in=shown)
    return document.parts.none()


def words_for(item: Any, sight: Sight) -> str:
    """Return the text of a question or statement for this sight; "" when it is not shown.

    `item` has `blinding_class`, `neutral_text` (a coordinator's wording) and the sealed `wording`.
    """
    if sight == "full" or (sight == "sealed" and item.blinding_class == BlindingClass.CLEAR):
        return str(item.wording.text)
    if sight == "sealed" and item.blinding_class:  # a person decided; unclassified is withheld
        return str(item.neutral_text)
    return ""
