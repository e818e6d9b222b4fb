"""What a person may see inside a case file. Every page, API and export asks here and nowhere else.

SECURITY: a live sealed grant wins over every other reason to see the file. Whoever reviews a case
sealed and is also a coordinator of the clinic sees it sealed on every route until the reveal.
"""

from __future__ import annotations

from typing import Any, Literal

from records.models import AccessGrant, CaseFile, Document

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
    return usable.exclude(blinding_class="clear").count()


def title_for(document: Document, sight: Sight, position: int = 0) -> str:
    """The name of a document for one sight: the sender's own, or a neutral one."""
    if sight == "full":
        return document.name.file_name
    return document.neutral_title or f"{document.get_kind_display()} {position or ''}".strip()
