"""The coordinators' queue, the same list as CSV, and the tasks for people."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from requests_app import queue as listing
from requests_app import rules
from requests_app.forms.staff import OutcomeForm, QueueFilterForm, SearchForm
from requests_app.models import OpinionRequest, StaffTask
from requests_app.queue import Filters, Row
from secondop.accounts.models import Clinic
from secondop.accounts.roles import COORDINATOR
from secondop.audit.trail import note
from secondop.lib.access import get_visible
from secondop.lib.csv_answer import csv_answer
from secondop.lib.keyset import keyset_page
from secondop.lib.pages import page_or_part

SEARCHES = "queue_searches"  # of this session: key -> text
KEPT_SEARCHES = 10
TASKS_SHOWN = 200
CSV_CHUNK = 500


def queue(request: HttpRequest) -> HttpResponse:
    """Open requests by due date. A POST is a search."""
    if request.method == "POST":
        return _begin_search(request)
    clinics = listing.clinics_of(request.user)
    form = QueueFilterForm(request.GET, clinics=clinics)
    text = _search_text(request)
    filters = form.filters(_matches(request, form, text))
    page = keyset_page(
        listing.listed(request.user, filters),
        order=listing.ORDER,
        cursor=request.GET.get("at", ""),
        size=listing.PAGE_SIZE,
    )
    context = {
        "form": form,
        "filters": filters,
        "rows": listing.described(page.rows, timezone.localdate()),
        "tabs": _tabs(request, filters, text),
        "search": SearchForm(initial={"text": text}),
        "search_text": text,
        "too_many": filters.matches is not None and len(filters.matches) > listing.MATCH_CAP,
        "next_url": _address(request, at=page.next_cursor) if page.next_cursor else "",
        "previous_url": _address(request, at=page.previous_cursor) if page.previous_cursor else "",
        "here": _address(request, at=request.GET.get("at", "")),
        "csv_url": _address(request, route="requests:queue_csv"),
        "search_key": request.GET.get("search", "") if text else "",
        "is_filtered": form.has_changed() or bool(text),
    }
    return page_or_part(
        request, "requests_app/queue.html", "requests_app/_queue_list.html", context
    )


def _begin_search(request: HttpRequest) -> HttpResponse:
    """PRIVACY: what is searched for is often a name, so it waits in the session, not in the URL."""
    form = SearchForm(request.POST)
    text = form.cleaned_data["text"].strip() if form.is_valid() else ""
    kept: dict[str, str] = dict(request.session.get(SEARCHES, {}))
    keep = {"clinic": request.POST.get("clinic", "")}
    if text:
        key = secrets.token_hex(4)
        kept[key] = text
        request.session[SEARCHES] = dict(list(kept.items())[-KEPT_SEARCHES:])
        keep["search"] = key
    query = urlencode({name: value for name, value in keep.items() if value})
    return redirect(reverse("requests:queue") + (f"?{query}" if query else ""))


def _search_text(request: HttpRequest) -> str:
    key = request.GET.get("search", "")
    return str(request.session.get(SEARCHES, {}).get(key, "")) if key else ""


def _matches(request: HttpRequest, form: QueueFilterForm, text: str) -> list[UUID] | None:
    return listing.find(request.user, form.filters().clinic_id, text) if text else None


def _address(request: HttpRequest, *, route: str = "requests:queue", **changes: str) -> str:
    """This list again, with some of its filters changed; a change begins at the first page."""
    query = {name: value for name, value in request.GET.items() if value and name != "at"}
    query = {**query, **changes}
    words = urlencode({name: value for name, value in query.items() if value})
    return reverse(route) + (f"?{words}" if words else "")


def _tabs(request: HttpRequest, filters: Filters, text: str) -> list[dict[str, Any]]:
    """Each state with how many are open in it. They filter; a search looks at every state."""
    if text:
        return []
    counts = listing.counts(filters.clinic_id)
    tabs = [{
        "label": _("All open"), "count": "", "url": _address(request, status="", overdue=""),
        "is_current": not filters.status and not filters.overdue,
    }, {
        "label": _("Overdue"), "count": counts.overdue, "is_late": counts.overdue != "0",
        "url": _address(request, status="", overdue="on"),
        "is_current": filters.overdue and not filters.status,
    }]  # fmt: skip
    tabs += [
        {
            "label": status.label,
            "count": counts.by_status[status],
            "url": _address(request, status=str(status), overdue=""),
            "is_current": filters.status == status,
        }
        for status in listing.OPEN_STATUSES
    ]
    return tabs


@transaction.non_atomic_requests
def queue_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Every row of the same filter, streamed; that somebody took the list away is noted."""
    form = QueueFilterForm(request.GET, clinics=listing.clinics_of(request.user))
    filters = form.filters(_matches(request, form, _search_text(request)))
    clinic = get_visible(Clinic, request.user, str(filters.clinic_id))
    used = sorted(name for name, value in form.cleaned_data.items() if value)
    used += ["search"] if filters.matches is not None else []
    note("queue.exported", by=request.user, about=clinic, role=COORDINATOR, filters=used)
    return csv_answer(_csv_rows(request.user, filters), f"queue-{timezone.localdate()}.csv")


def _csv_rows(user: Any, filters: Filters) -> Iterator[list[Any]]:
    cursor = ""
    yield [
        _("Reference"), _("Case file"), _("Patient"), _("Age"), _("What is asked"), _("State"),
        _("Who acts next"), _("Due"), _("Overdue"), _("Urgent"), _("Review"), _("Looked after by"),
        _("Days open"), _("Unread messages"), _("Files in trouble"),
    ]  # fmt: skip
    while True:
        with transaction.atomic():  # one short read at a time, whoever fetches slowly
            page = keyset_page(
                listing.listed(user, filters), order=listing.ORDER, cursor=cursor, size=CSV_CHUNK
            )
            rows = listing.described(page.rows, timezone.localdate())
        yield from map(_csv_cells, rows)
        cursor = page.next_cursor
        if not cursor:
            return


def _csv_cells(row: Row) -> list[Any]:
    it = row.opinion_request
    return [
        it.reference, it.case_file.alias, row.patient_name, row.age, "; ".join(row.purposes),
        row.state, row.ball, it.due_at.isoformat(timespec="minutes"),
        _("yes") if it.due_at < timezone.now() else "",
        _("yes") if it.urgency == OpinionRequest.Urgency.URGENT else "",
        _("sealed") if it.review_mode == OpinionRequest.ReviewMode.SEALED else _("open"),
        row.looked_after_by, row.days_open, row.unread, row.troubled_files,
    ]  # fmt: skip


def tasks(request: HttpRequest) -> HttpResponse:
    """Calls to make, what is overdue, safety findings."""
    return render(request, "requests_app/tasks.html", _tasks_context(request))


def _tasks_context(
    request: HttpRequest, wrong: dict[UUID, OutcomeForm] | None = None
) -> dict[str, Any]:
    found = list(listing.open_tasks(request.user)[: TASKS_SHOWN + 1])
    rows = [
        {
            "task": task,
            "form": (wrong or {}).get(task.pk) or OutcomeForm(auto_id=f"id_{task.pk}_%s"),
        }
        for task in found[:TASKS_SHOWN]
    ]
    return {"rows": rows, "there_are_more": len(found) > TASKS_SHOWN, "shown": TASKS_SHOWN}


def task_done(request: HttpRequest, pk: UUID) -> HttpResponse:
    task = get_visible(StaffTask, request.user, pk)
    rules.may_coordinate(request.user, task.opinion_request).or_raise()
    form = OutcomeForm(request.POST, auto_id=f"id_{task.pk}_%s")
    if not form.is_valid():
        return render(request, "requests_app/tasks.html", _tasks_context(request, {task.pk: form}))
    listing.finish_task(task, outcome=form.cleaned_data["outcome"], by=request.user)
    messages.success(request, _("Done. It is off the list."))
    return redirect("requests:tasks")
