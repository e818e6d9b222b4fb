"""The delivered report: the page, the PDF, its data, and questions about it."""

from __future__ import annotations

from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from records.blinding import sight_of
from records.serving import send
from requests_app import delivery, rules
from requests_app.forms.delivery import FollowUpForm
from requests_app.models import Report
from requests_app.rendering import present
from secondop.audit.trail import note
from secondop.lib.access import get_visible
from secondop.lib.canonical import canonical_json
from secondop.lib.pages import page_or_part
from secondop.lib.verdicts import not_now


def _report(request: HttpRequest, pk: UUID, *, as_: str = "") -> Report:
    """The version, for the patient and the clinic's coordinators.

    SECURITY: a coordinator who reviews the same case sealed must not read what it says here.
    """
    rows = Report.objects.select_related(
        "clinic",
        "rendering",
        "opinion_request__case_file__patient",
        "opinion_request__clinic",
        "acknowledged_by",
        "acknowledged_on_behalf_of",
    )
    found = get_visible(rows, request.user, pk, as_=as_)
    if sight_of(request.user, found.opinion_request.case_file) != "full":
        raise Http404
    return found


def report(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = _report(request, pk)
    is_patient = rules.is_patient_of(request.user, found.opinion_request)
    if is_patient:
        delivery.open_report(found, by=request.user)
    opinion_request = found.opinion_request
    versions = opinion_request.reports.exclude(delivered_at=None).order_by("-version")
    context: dict[str, Any] = {
        "row": found,
        "report": present(found.snapshot),
        "sha256": found.snapshot_sha256,
        "clinic": found.clinic,
        "is_patient": is_patient,
        "versions": versions,
        "newest": versions[0],
        "questions": found.follow_up_questions.select_related("asked_by", "on_behalf_of"),
        "may_ask": delivery.may_ask(request.user, found),
    }
    with timezone.override(ZoneInfo(found.snapshot["clinic"]["time_zone"])):
        return page_or_part(
            request, "requests_app/report.html", "requests_app/_report_pdf.html", context
        )


def report_pdf(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    found = _report(request, pk)
    if not found.pdf_key:
        not_now(_("The PDF is still being made. Try again in a minute.")).or_raise()
    if "Range" not in request.headers:
        note("report.downloaded", by=request.user, about=found, version=found.version)
    reference = found.opinion_request.reference
    return send(
        request,
        found.pdf_key,
        size_bytes=default_storage.size(found.pdf_key),
        media_type="application/pdf",
        etag=found.pdf_key.rpartition("/")[2],
        file_name=f"second-opinion-{reference}-v{found.version}.pdf",
        sha256=found.pdf_sha256,
    )


def report_data(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The snapshot byte for byte as it was hashed, so that anybody can hash it again."""
    found = _report(request, pk)
    note("report.downloaded", by=request.user, about=found, version=found.version, data=True)
    reference = found.opinion_request.reference
    name = f"second-opinion-{reference}-v{found.version}.json"
    return HttpResponse(
        canonical_json(found.snapshot),
        content_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def acknowledge(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = _report(request, pk, as_="patient")
    delivery.acknowledge(found, by=request.user)
    messages.success(request, _("Thank you. We know now that the report has reached you."))
    return redirect(found)


def follow_up(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = _report(request, pk, as_="patient")
    verdict = delivery.may_ask(request.user, found)
    form = FollowUpForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        delivery.ask_follow_up(found, text=form.cleaned_data["text"], by=request.user)
        messages.success(request, _("We have your question. The answer usually takes two days."))
        return redirect("requests:follow_up", pk=found.pk)
    context = {
        "row": found,
        "form": form,
        "clinic": found.clinic,
        "verdict": verdict,
        "questions": found.follow_up_questions.all(),
    }
    return render(request, "requests_app/follow_up.html", context)
