"""Where a request stands, in the words of the patient. Pages of the patient read it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from requests_app.models import OpinionRequest, StatusChange

Status = OpinionRequest.Status

HEADLINES: dict[str, str | Promise] = {
    Status.DRAFT: gettext_lazy("You are writing your request"),
    Status.SUBMITTED: gettext_lazy("We have it. A clinician is reading it"),
    Status.NEEDS_PATIENT: gettext_lazy("We need something from you"),
    Status.COLLECTING: gettext_lazy("We are gathering your records"),
    Status.READY: gettext_lazy("We are choosing your specialist"),
    Status.REFERRED: gettext_lazy("A specialist has been asked"),
    Status.IN_REVIEW: gettext_lazy("A specialist is studying your case"),
    Status.QUALITY_CHECK: gettext_lazy("A second clinician is checking the report"),
    Status.DELIVERED: gettext_lazy("Your report is ready"),
    Status.CLOSED: gettext_lazy("Your request is finished"),
    Status.RETURNED: gettext_lazy("We suggest something else first"),
    Status.WITHDRAWN: gettext_lazy("You stopped this request"),
    Status.EXPIRED: gettext_lazy("This request has ended, because nobody acted in time"),
}
WHAT_NEXT: dict[str, str | Promise] = {
    Status.DRAFT: gettext_lazy("Answer the parts that are still to do, then send it to us."),
    Status.SUBMITTED: gettext_lazy(
        "A clinician decides whether a second opinion can help you. You need not do anything."
    ),
    Status.NEEDS_PATIENT: gettext_lazy("Please answer us. Then we go on."),
    Status.COLLECTING: gettext_lazy(
        "We check that nothing important is missing. This part takes the most time."
        " You can still add records."
    ),
    Status.READY: gettext_lazy("We choose a specialist who knows your illness well."),
    Status.REFERRED: gettext_lazy(
        "The specialist says yes or no. If it is no, we ask another one at once."
    ),
    Status.IN_REVIEW: gettext_lazy("The specialist reads your records and writes an answer."),
    Status.QUALITY_CHECK: gettext_lazy("After this check you get your report."),
    Status.DELIVERED: gettext_lazy("Read your report. You can ask us questions about it."),
    Status.CLOSED: gettext_lazy("You can open it again if something new comes up."),
    Status.RETURNED: gettext_lazy("Read our advice below. You can open the request again."),
    Status.WITHDRAWN: gettext_lazy("Nobody reads your records any more. You can open it again."),
    Status.EXPIRED: gettext_lazy("Your answers are still here. You can open it again."),
}
WITH_PATIENT: dict[str, str | Promise] = {
    "patient": gettext_lazy("You"),
    "coordinator": gettext_lazy("The clinic"),
    "record_holder": gettext_lazy("A hospital or practice"),
    "specialist": gettext_lazy("The specialist"),
    "quality_reviewer": gettext_lazy("A second clinician"),
    "nobody": "",
}
# The road that most requests take: the statuses of each step, and its name.
ROAD: tuple[tuple[frozenset[str], str | Promise], ...] = (
    (frozenset({"draft"}), gettext_lazy("You send your request")),
    (frozenset({"submitted"}), gettext_lazy("A clinician reads it")),
    (frozenset({"needs_patient", "collecting"}), gettext_lazy("We gather your records")),
    (frozenset({"ready", "referred"}), gettext_lazy("We find your specialist")),
    (frozenset({"in_review"}), gettext_lazy("The specialist studies your case")),
    (frozenset({"quality_check"}), gettext_lazy("A second clinician checks the report")),
    (frozenset({"delivered", "closed"}), gettext_lazy("You get your report")),
)


def headline(opinion_request: OpinionRequest) -> str:
    return str(HEADLINES[opinion_request.status])


def steps(opinion_request: OpinionRequest, changes: Iterable[StatusChange]) -> list[dict[str, Any]]:
    """The steps of `components/timeline.html`: what is done, where it is now, what follows."""
    history = list(changes)
    status = opinion_request.status
    stopped = status in OpinionRequest.ENDED and status != Status.CLOSED
    last = history[-1].old if stopped and history else status
    here = next(number for number, (statuses, _label) in enumerate(ROAD) if last in statuses)
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
    statuses, label = ROAD[number]
    is_over = opinion_request.status == Status.CLOSED
    if number < here or is_over:
        return {"label": label, "state": "done", "at": _left_at(statuses, history)}
    if number > here:
        return {"label": label, "state": "next"}
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
        return _("none")
    if days < 1:
        return _("less than a day")
    whole = round(days)
    return _("1 day") if whole == 1 else _("%(n)d days") % {"n": whole}
