"""The quality check: reports that wait, one report as the patient will read it, the decision."""

from __future__ import annotations

from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from records.models import CaseFile
from requests_app.models import OpinionRequest
from requests_app.rendering import present
from secondop.accounts.roles import QUALITY_REVIEWER
from secondop.lib.access import get_visible
from secondop.lib.canonical import canonical_json, sha256_of
from secondop.lib.keyset import keyset_page
from specialists import rules, workflow
from specialists.checklist import LOOK_YOURSELF, checklist
from specialists.forms.checking import APPROVED, DecideForm
from specialists.models import QualityCheck, Referral
from specialists.reporting import build_snapshot

PAGE_SIZE = 50


def checks(request: HttpRequest) -> HttpResponse:
    """What waits, the most pressing first; never the own work or the own records."""
    user: Any = request.user
    rows = (
        OpinionRequest.objects.filter(
            clinic_id__in=user.clinics_as(QUALITY_REVIEWER), status="quality_check"
        )
        .exclude(referrals__specialist__user=user)
        .exclude(case_file__in=CaseFile.objects.visible_as("patient", user))
        .select_related("case_file")
        .prefetch_related(
            Prefetch(
                "referrals",
                Referral.objects.filter(status="signed").select_related("specialist__user"),
                to_attr="signed",
            ),
            Prefetch(
                "quality_checks",
                QualityCheck.objects.filter(ended_at=None).select_related("reviewer"),
                to_attr="begun",
            ),
        )
    )
    cursor = request.GET.get("at", "")
    page = keyset_page(rows, order=("due_at", "id"), cursor=cursor, size=PAGE_SIZE)
    return render(request, "specialists/checks.html", {"page": page, "me": user})


def _checkable(request: HttpRequest, pk: UUID) -> OpinionRequest:
    """A request that waits for a check, or one whose check this person has done.

    The second lets a late click be told that it came too late, instead of a 404.
    """
    done = QualityCheck.objects.visible_to(request.user).filter(opinion_request=pk)
    if check := done.select_related("opinion_request").first():
        found = check.opinion_request
    else:
        rows = OpinionRequest.objects.select_related("clinic")
        found = get_visible(rows, request.user, pk, as_=QUALITY_REVIEWER)
    rules.may_check(request.user, found).or_raise()
    return found


def check(request: HttpRequest, pk: UUID) -> HttpResponse:
    """GET: the report. POST: take the check."""
    opinion_request = _checkable(request, pk)
    if request.method == "POST":
        workflow.begin_check(opinion_request, by=request.user)
        return redirect("specialists:check", pk=pk)
    return _page(request, opinion_request, DecideForm())


def decide(request: HttpRequest, pk: UUID) -> HttpResponse:
    opinion_request = _checkable(request, pk)
    rules.may_end_check(request.user, opinion_request).or_raise()
    form = DecideForm(request.POST)
    if not form.is_valid():
        return _page(request, opinion_request, form)
    comments = form.cleaned_data["comments"]
    if form.cleaned_data["outcome"] != APPROVED:
        workflow.send_back(opinion_request, comments=comments, by=request.user)
        messages.success(request, _("Sent back. The author has your comments."))
    elif not request.POST.get("confirmed"):
        context = {"it": opinion_request, "comments": comments, "clinic": opinion_request.clinic}
        return render(request, "specialists/check_confirm.html", context)
    else:
        workflow.approve(opinion_request, comments=comments, by=request.user)
        messages.success(request, _("Approved. The patient has been told."))
    return redirect("specialists:checks")


def _page(request: HttpRequest, opinion_request: OpinionRequest, form: DecideForm) -> HttpResponse:
    user: Any = request.user
    begun = opinion_request.quality_checks.filter(ended_at=None, reviewer=user).first()
    context: dict[str, Any] = {
        "it": opinion_request,
        "clinic": opinion_request.clinic,
        "begun": begun,
        "form": form,
        "earlier": opinion_request.quality_checks.exclude(ended_at=None).select_related("reviewer"),
    }
    if begun:
        snapshot = build_snapshot(opinion_request, approved_by=request.user)
        context |= {
            "report": present(snapshot),
            "sha256": sha256_of(canonical_json(snapshot)),
            "items": checklist(snapshot),
            "look_yourself": LOOK_YOURSELF,
        }
    with timezone.override(ZoneInfo(opinion_request.clinic.time_zone)):
        return render(request, "specialists/check.html", context)
