"""Two people on one request: the second is told who changed what. For pages of clinic staff.

A page carries what it has seen (`seen_token`); a change runs inside `at_version`, which compares
under the row's lock, so exactly one of many simultaneous changes wins.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from requests_app.models import OpinionRequest
from secondop.accounts.models import User
from secondop.audit.models import AuditEvent
from secondop.audit.sentences import sentence_of
from secondop.lib.transitions import lock
from secondop.lib.verdicts import CONFLICT, Refused

# Reading changes nothing, so it is no news to whoever was about to change something.
NO_NEWS = ("request.viewed", "document.opened", "document.downloaded", "report.opened")
SHOWN_CHANGES = 10

WORDS: dict[str, str | Promise] = {
    "request.submitted": gettext_lazy("sent the request"),
    "request.accepted": gettext_lazy("accepted the request"),
    "request.patient_asked": gettext_lazy("asked the patient for something"),
    "request.returned": gettext_lazy("returned the request with advice"),
    "request.ready": gettext_lazy("marked the request ready for a specialist"),
    "request.referred": gettext_lazy("asked a specialist"),
    "request.in_review": gettext_lazy("moved the request to review"),
    "request.more_needed": gettext_lazy("asked for more records"),
    "request.quality_check": gettext_lazy("handed the opinion to the quality check"),
    "request.sent_back": gettext_lazy("sent the opinion back"),
    "request.delivered": gettext_lazy("delivered the report"),
    "request.amended": gettext_lazy("asked for a change of the report"),
    "request.further_opinion": gettext_lazy("asked for one more specialist"),
    "request.closed": gettext_lazy("closed the request"),
    "request.withdrawn": gettext_lazy("stopped the request"),
    "request.expired": gettext_lazy("let the request end, because nobody acted"),
    "request.reopened": gettext_lazy("opened the request again"),
    "referral.offered": gettext_lazy("offered the request to a specialist"),
    "referral.taken": gettext_lazy("took the referral"),
    "referral.declined": gettext_lazy("declined the referral"),
    "referral.expired": gettext_lazy("let an offer run out"),
    "referral.recalled": gettext_lazy("took a referral back"),
    "document.classified": gettext_lazy("classified a document"),
    "question.classified": gettext_lazy("classified a question"),
    "statement.classified": gettext_lazy("classified what the patient wrote"),
    "message.sent": gettext_lazy("wrote a message"),
    "task.done": gettext_lazy("closed a task"),
}


@dataclass(frozen=True)
class Change:
    who: str
    what: str
    at: datetime


class Stale(Refused):
    """Somebody changed the request after this page was loaded. `changes` says who and what."""

    def __init__(self, opinion_request: OpinionRequest, changes: list[Change]) -> None:
        super().__init__(_("This request was changed after you opened the page."), CONFLICT)
        self.opinion_request, self.changes = opinion_request, changes


def seen_token(opinion_request: OpinionRequest) -> str:
    """What a page has seen: the row's version and the last event of its chain.

    Take it before reading anything else for the page: news between the two is then told twice
    rather than never.
    """
    return f"{opinion_request.version}.{_last_event_number(opinion_request)}"


@contextmanager
def at_version(opinion_request: OpinionRequest, seen: str, *, by: Any) -> Iterator[OpinionRequest]:
    """Hold the request locked, in one transaction, as the page with `seen` has shown it.

    Raises: Stale (409) when it has another version by now, or when `seen` is unreadable.
    """
    with transaction.atomic():
        fresh = lock(opinion_request)
        version, number = _read(seen)
        if fresh.version != version:
            raise Stale(fresh, changes_since(fresh, number, reader=by))
        yield fresh


def changes_since(opinion_request: OpinionRequest, number: int, *, reader: Any) -> list[Change]:
    """Return what happened after event `number` of the chain, newest first, in words."""
    events = list(
        AuditEvent.objects.filter(
            chain=_chain(opinion_request), number__gt=number, case_file_id__isnull=False
        )
        .exclude(verb__in=NO_NEWS)
        .order_by("-number")[:SHOWN_CHANGES]
    )
    people = User.objects.in_bulk({event.actor_id for event in events if event.actor_id})
    return [
        Change(_name(people.get(event.actor_id), reader), _words(event), event.at)
        for event in events
    ]


def _words(event: AuditEvent) -> str:
    new = event.details.get("new", "")
    if event.verb in WORDS:
        return str(WORDS[event.verb])
    if new in OpinionRequest.Status.values:
        return _("moved the request to “%(state)s”") % {"state": OpinionRequest.Status(new).label}
    return sentence_of(event.verb)


def _name(person: User | None, reader: Any) -> str:
    if person is None:
        return _("The system")
    return _("You, in another window") if person.pk == reader.pk else person.display_name


def _chain(opinion_request: OpinionRequest) -> str:
    return f"case_file:{opinion_request.case_file_id}"


def _last_event_number(opinion_request: OpinionRequest) -> int:
    chain = AuditEvent.objects.filter(chain=_chain(opinion_request))
    return chain.order_by("-number").values_list("number", flat=True).first() or 0


def _read(seen: str) -> tuple[int, int]:
    version, _dot, number = seen.partition(".")
    digits = version.isascii() and version.isdigit() and number.isascii() and number.isdigit()
    if not digits or len(version) > 9 or len(number) > 9:
        return 0, 0
    return int(version), int(number)
