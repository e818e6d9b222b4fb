"""Where a request stands, in the words of the patient. Pages of the patient read it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from requests_app.models import OpinionRequest, StatusChange

Status = OpinionRequest.Status

HEADLINES: dict[str, str | Promise] = {
    Status.DRAFT: _("You are writing your request"),
    Status.SUBMITTED: _("We have it. A clinician is reading it"),
    Status.NEEDS_PATIENT: _("We need something from you"),
    Status.COLLECTING: _("We are gathering your records"),
    Status.READY: _("We are choosing your specialist"),
    Status.REFERRED: _("A specialist has been asked"),
    Status.IN_REVIEW: _("A specialist is studying your case"),
    Status.QUALITY_CHECK: _("A second clinician is checking the report"),
    Status.DELIVERED: _("Your report is ready"),
    Status.CLOSED: _("Your request is finished"),
    Status.RETURNED: _("We suggest something else first"),
    Status.WITHDRAWN: _("You stopped this request"),
    Status.EXPIRED: _("This request has ended, because nobody acted in time"),
}
WHAT_NEXT: dict[str, str | Promise] = {
    Status.DRAFT: _("Answer the parts that are still to do, then send it to us."),
    Status.SUBMITTED: _(
        "A clinician decides whether a second opinion can help you. You need not do anything."
    ),
    Status.NEEDS_PATIENT: _("Please answer us. Then we go on."),
    Status.COLLECTING: _(
        "We check that nothing important is missing. This part takes the most time."
        " You can still add records."
    ),
    Status.READY: _("We choose a specialist who knows your illness well."),
    Status.REFERRED: _("The specialist says yes or no. If it is no, we ask another one at once."),
    Status.IN_REVIEW: _("The specialist reads your records and writes an answer."),
    Status.QUALITY_CHECK: _("After this check you get your report."),
    Status.DELIVERED: _("Read your report. You can ask us questions about it."),
    Status.CLOSED: _("You can open it again if something new comes up."),
    Status.RETURNED: _("Read our advice below. You can open the request again."),
    Status.WITHDRAWN: _("Nobody reads your records any more. You can open it again."),
    Status.EXPIRED: _("Your answers are still here. You can open it again."),
}
WITH_PATIENT: dict[str, str | Promise] = {
    "patient": _("You"),
    "coordinator": _("The clinic"),
    "record_holder": _("A hospital or practice"),
    "specialist": _("The specialist"),
    "quality_reviewer": _("A second clinician"),
    "nobody": "",
}
# The road that most requests take: the statuses of each step, its name before and after it.
ROAD: tuple[tuple[frozenset[str], str | Promise, str | Promise], ...] = (
    (frozenset({"draft"}), _("You send your request"), _("You sent your request")),
    (frozenset({"submitted"}), _("A clinician reads it"), _("A clinician read it")),
    (
        frozenset({"needs_patient", "collecting"}),
        _("We gather your records"),
        _("We gathered your records"),
    ),
    (frozenset({"ready", "referred"}), _("We find your specialist"), _("We found a specialist")),
    (
        frozenset({"in_review"}),
        _("The specialist studies your case"),
        _("The specialist studied your case"),
    ),
    (
        frozenset({"quality_check"}),
        _("A second clinician checks the report"),
        _("A second clinician checked the report"),
    ),
    (frozenset({"delivered", "closed"}), _("You get your report"), _("You got your report")),
)


def headline(opinion_request: OpinionRequest) -> str:
    if _was_discarded(opinion_request):
        return gettext("This request was never sent")
    return str(HEADLINES[opinion_request.status])


def what_next(opinion_request: OpinionRequest) -> str:
    if _was_discarded(opinion_request):
        return gettext("The files you added are deleted. You can begin a new request at any time.")
    return str(WHAT_NEXT[opinion_request.status])


def _was_discarded(opinion_request: OpinionRequest) -> bool:
    is_withdrawn = opinion_request.status == Status.WITHDRAWN
    return is_withdrawn and opinion_request.submitted_at is None


def steps(opinion_request: OpinionRequest, changes: Iterable[StatusChange]) -> list[dict[str, Any]]:
    """The steps of `components/timeline.html`: what is done, where it is now, what follows."""
    history = list(changes)
    status = opinion_request.status
    stopped = status in OpinionRequest.ENDED and status != Status.CLOSED
    last = history[-1].old if stopped and history else status
    here = next(number for number, step in enumerate(ROAD) if last in step[0])
    if status == Status.NEEDS_PATIENT and history and history[-1].old == Status.SUBMITTED:
        here = 1  # asked while it was being read
    if last == Status.NEEDS_PATIENT and stopped:
        here = 1
    road = [_step(number, here, opinion_request, history) for number in range(len(ROAD))]
    if not stopped:
        return road
    end = {"label": headline(opinion_request), "state": "stopped", "at": history[-1].at}
    return [*road[: here + (1 if here == 0 else 0)], end] if here else [end]


def _step(
    number: int, here: int, opinion_request: OpinionRequest, history: list[StatusChange]
) -> dict[str, Any]:
    statuses, before, after = ROAD[number]
    is_over = opinion_request.status == Status.CLOSED
    if number < here or is_over:
        return {"label": after, "state": "done", "at": _left_at(statuses, history)}
    if number > here:
        return {"label": before, "state": "next"}
    return {
        "label": headline(opinion_request),
        "state": "now",
        "at": opinion_request.status_since,
        "ball_with": WITH_PATIENT[opinion_request.ball_with],
        "due_at": opinion_request.due_at if opinion_request.ball_with != "nobody" else None,
        "note": WHAT_NEXT[opinion_request.status],
    }


def _left_at(statuses: frozenset[str], history: list[StatusChange]) -> datetime | None:
    """When the request last left this step."""
    left = [c.at for c in history if c.old in statuses and c.new not in statuses]
    return left[-1] if left else None


def days_in_words(days: float) -> str:
    """Whole days, as people count them; "less than a day" for a part of one."""
    if days <= 0:
        return gettext("none")
    if days < 1:
        return gettext("less than a day")
    whole = round(days)
    return gettext("1 day") if whole == 1 else gettext("%(n)d days") % {"n": whole}
