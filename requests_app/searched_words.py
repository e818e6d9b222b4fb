"""What people write, as the search for giveaways reads it; registered when the app is ready.

Questions, statements and messages belong to this app, the search to `records`, which cannot know
them. The coordinators are told from here when something that was shown had to be taken back.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils import timezone

from records.blinding_search.passages import Passage, Reading
from records.blinding_search.registry import TELLERS, Source, register
from records.models import AboutType, AccessGrant, CaseFile
from records.models.case_file import BlindingClass
from requests_app.models import Message, OpinionRequest, PatientStatement, Question
from requests_app.workflow import coordinators_of
from secondop.audit.trail import note
from secondop.notifications.outbox import tell


def register_words() -> None:
    """Called once, by `RequestsAppConfig.ready`."""
    register(AboutType.QUESTION, _blindable(Question))
    register(AboutType.STATEMENT, _blindable(PatientStatement))
    register(AboutType.MESSAGE, Source(_messages, _message, _hold_message))
    TELLERS.append(tell_coordinators)


def _blindable(model: type[Question] | type[PatientStatement]) -> Source:
    rows: Any = model._default_manager

    def items(case_file_id: UUID) -> Iterable[UUID]:
        found: Iterable[UUID] = rows.filter(
            opinion_request__case_file=case_file_id
        ).values_list("pk", flat=True)  # fmt: skip
        return found

    def read(pk: UUID) -> Reading | None:
        row = rows.select_related("wording").filter(pk=pk).first()
        if row is None:
            return None
        found = [Passage("words", row.wording.text, has_lines=True)]
        if row.neutral_text:
            found.append(Passage("neutral", row.neutral_text, has_lines=True))
        return Reading(found)

    def hold(pk: UUID, places: set[str], _is_first: bool) -> bool:
        """Hide what a sealed reader has on the page: the own words, or the neutral ones."""
        row = rows.select_for_update(of=("self",)).get(pk=pk)
        shows_words = row.blinding_class == BlindingClass.CLEAR and "words" in places
        shows_neutral = bool(row.blinding_class and row.neutral_text) and "neutral" in places
        if not (shows_words or shows_neutral):
            return False
        row.blinding_class = ""  # nobody has decided about this: nothing of it is shown
        row.save(update_fields=["blinding_class"])
        note("blinding.held_back", by=None, about=row)
        return True

    return Source(items, read, hold)


def _messages(case_file_id: UUID) -> Iterable[UUID]:
    rows = Message.objects.filter(opinion_request__case_file=case_file_id)
    return rows.values_list("pk", flat=True)


def _message(pk: UUID) -> Reading | None:
    text = Message.objects.filter(pk=pk).values_list("text", flat=True).first()
    return None if text is None else Reading([Passage("words", text, has_lines=True)])


def _hold_message(pk: UUID, _places: set[str], is_first: bool) -> bool:
    """Take a message out of a sealed reader's thread when what to look for has changed since.

    Whoever sent it saw the hits of that moment and sent it all the same, so the first search takes
    nothing back. The thread with the patient never reaches a specialist.
    """
    rows = Message.objects.select_for_update(of=("self",)).filter(
        pk=pk, thread=Message.Thread.SPECIALIST, from_clinic=True, withheld_at=None
    )
    message = None if is_first else rows.first()
    if message is None or _knows(message):
        return False
    message.withheld_at = timezone.now()
    message.save(update_fields=["withheld_at"])
    note("message.withheld", by=None, about=message, is_opened=message.read_at is not None)
    return True


def _knows(message: Message) -> bool:
    """Whether the reader of this thread has full sight of the case file."""
    live = AccessGrant.objects.live().filter(
        case_file=message.case_file_id, to=message.specialist_id
    )
    sights = set(live.values_list("sight", flat=True))
    return sights == {str(AccessGrant.Sight.FULL)}


def tell_coordinators(case_file: CaseFile) -> None:
    """Something that was shown is withheld again: a person must look at it."""
    opinion_request = OpinionRequest.objects.filter(case_file=case_file).first()
    if opinion_request is None:
        return
    path = reverse("requests:prepare", args=[opinion_request.pk])
    tell(coordinators_of(opinion_request), "another_look_needed", about=opinion_request, path=path)
