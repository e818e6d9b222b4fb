"""The desk's page of jobs in trouble: what, why, when next, and Retry."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from secondop.jobs.models import Job
from secondop.jobs.reasons import reason_in_words
from secondop.jobs.staff import kind_of, model_of
from secondop.jobs.staff import retry as retry_job
from secondop.jobs.sweep import job_models
from secondop.lib.access import get_visible
from secondop.lib.pages import page_or_part

SHOWN_OF_A_KIND = 50


def list_jobs(request: HttpRequest) -> HttpResponse:
    """A fixed number of queries: two for each kind of job, whatever its age or number."""
    groups = [group for model in job_models() if (group := _group(model, request.user))]
    return page_or_part(request, "jobs/list.html", "jobs/_list.html", {"groups": groups})


def retry(request: HttpRequest, kind: str, pk: UUID) -> HttpResponse:
    job = get_visible(model_of(kind), request.user, pk, as_="desk")
    if retry_job(job, by=request.user):
        messages.success(request, _("It is tried again now."))
    else:
        messages.info(request, _("Nothing to do: it is waiting, running or done already."))
    return redirect("jobs:list")


def _group(model: type[Job], user: Any) -> dict[str, Any] | None:
    mine = model.objects.visible_as("desk", user)
    troubled = mine.filter(status__in=["failed", "dead"]).order_by("-run_after", "id")
    rows = [_row(job) for job in troubled[: SHOWN_OF_A_KIND + 1]]
    running = [_row(job) for job in mine.filter(status="running").order_by("run_after")[:10]]
    if not rows and not running:
        return None
    return {
        "title": _(model.TITLE) if model.TITLE else model._meta.verbose_name,
        "rows": rows[:SHOWN_OF_A_KIND],
        "there_are_more": len(rows) > SHOWN_OF_A_KIND,
        "running": running,
    }


def _row(job: Job) -> dict[str, Any]:
    return {
        "job": job,
        "kind": kind_of(type(job)),
        "is_dead": job.status == Job.Status.DEAD,
        "reason": reason_in_words(job.last_error),
        "code": job.last_error,
        "most": job.MAX_ATTEMPTS,
    }
