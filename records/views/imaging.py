"""The plain pages of images: the list, one series picture by picture, and what is decided there."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from records import imaging_browsing as browsing
from records import imaging_desk_workflow as desk_workflow
from records import imaging_pages as pages
from records import imaging_reports as reports
from records import imaging_rules as rules
from records import imaging_workflow
from records import rules as record_rules
from records.imaging import View, view_of
from records.imaging_at_the_desk import at_the_desk, one_at_the_desk
from records.imaging_forms import CoverForm, ReasonForm
from records.models import ImagingSeries, ImagingStudy
from records.models.case_file import BlindingClass
from secondop.lib.access import get_visible

JUMP = 10


def _next(request: HttpRequest, otherwise: str) -> str:
    """Where the person came from. SECURITY: never an address elsewhere."""
    wanted = request.POST.get("next") or request.GET.get("next", "")
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure())
    return wanted if ours else otherwise


def images(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Studies and series with their key facts, as far as this person's sight goes."""
    view = view_of(request.user, pk)
    page, studies = pages.page_of(view, request.GET.get("at", ""))
    for row in studies:
        if row.badge != "bad" and row.series:
            view.note_opened(row.study)
    context = {
        "case_file": view.case_file,
        "view": view,
        "page": page,
        "studies": studies,
        "viewer_url": pages.viewer_url(view, page.rows),
        "next_url": _next(request, ""),
        "here": request.path,
    }
    if view.fills:
        context |= _for_who_fills(view, page.rows)
    return render(request, "records/images.html", context)


def _for_who_fills(view: View, studies: list[ImagingStudy]) -> dict[str, Any]:
    may_add = record_rules.may_add_records(view.user, view.case_file)
    may_decide = rules.may_decide(view.user, view.case_file.pk)
    return {
        "add_url": _add_url(view) if may_add else "",
        "may_remove": rules.may_remove(view.user, studies[0]) if studies else None,
        "not_taken": pages.not_taken(view),
        "taken_back": pages.taken_back(view),
        "may_decide": may_decide,
        "images": at_the_desk(view.case_file, view.user) if may_decide else None,
    }


def _add_url(view: View) -> str:
    try:
        return reverse("records:images_add", args=[view.case_file.pk])
    except NoReverseMatch:
        return ""


def images_series(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One picture of the series, with ways to the others; a sheet of small ones; or its text."""
    reel = browsing.open_series(request.user, pk)
    if not reel.total:
        return _report(request, reel)
    reel.view.note_opened(reel.series.study)
    is_sheet = request.GET.get("show") == "sheet"
    step = browsing.SHEET if is_sheet else 1
    number = _number(request.GET.get("picture", ""), reel.total)
    if is_sheet:
        number -= (number - 1) % browsing.SHEET
    row = one_at_the_desk(reel.view, reel.series) if reel.view.fills else None
    context = {
        "reel": reel,
        "view": reel.view,
        "title": pages.title_of(reel.view, reel.series),
        "number": number,
        "pictures": reel.slices(number, step),
        "is_sheet": is_sheet,
        "last_on_sheet": min(number + step - 1, reel.total),
        "previous": max(1, number - step) if number > 1 else 0,
        "next_number": number + step if number + step <= reel.total else 0,
        "back_far": number - JUMP if number > JUMP and not is_sheet else 0,
        "on_far": number + JUMP if number + JUMP <= reel.total and not is_sheet else 0,
        "row": row,
        "header_lines": browsing.header_lines(reel.view, reel.series) if row else [],
        "here": request.path,
        "viewer_url": pages.viewer_url(reel.view, [reel.series.study]),
    }
    return render(request, "records/images_series.html", context)


def _report(request: HttpRequest, reel: browsing.Reel) -> HttpResponse:
    """A report or a letter among the images, in words. Sealed readers get none."""
    page = reports.page_of(reel.view, reel.series, request.GET.get("part", ""))
    if page is None:
        raise Http404
    reel.view.note_opened(reel.series.study)
    context = {
        "view": reel.view,
        "title": pages.title_of(reel.view, reel.series),
        "page": page,
        "record": page.record,
        "viewer_url": pages.viewer_url(reel.view, [reel.series.study]),
        "study": reel.series.study,
    }
    return render(request, "records/images_report.html", context)


def _number(asked: str, total: int) -> int:
    """The number asked for, within what there is; the middle when none was asked."""
    if not asked.isascii() or not asked.isdigit():
        return (total + 1) // 2 if not asked else 1
    return min(max(1, int(asked[:9])), total)


def images_classify(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show a series to the sealed specialist, keep it back, or take the decision back."""
    series = get_visible(ImagingSeries, request.user, pk, as_="coordinator")
    _refuse_sealed(request, series.case_file_id)
    decision = request.POST.get("decision", "")
    if decision == "undo":
        desk_workflow.declassify(series, by=request.user)
        messages.success(request, _("The decision was taken back. The series is closed."))
    else:
        imaging_workflow.classify(
            series,
            decision,
            by=request.user,
            has_seen_pictures=request.POST.get("has_seen_pictures") == "yes",
        )
        messages.success(request, _done(decision))
    return redirect(_back(request, series.case_file_id))


def _done(decision: str) -> str:
    if decision == BlindingClass.CLEAR:
        return _("The specialist sees this series now.")
    return _("This series is kept back.")


def _refuse_sealed(request: HttpRequest, case_file_id: Any) -> None:
    """SECURITY: a coordinator who reviews this case sealed must not learn of what is closed."""
    if view_of(request.user, case_file_id).is_sealed:
        raise Http404


def _back(request: HttpRequest, case_file_id: Any) -> str:
    return _next(request, reverse("records:images", args=[case_file_id]))


def images_decide(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Let a held study in, refuse it, or hold it again."""
    study = get_visible(ImagingStudy, request.user, pk, as_="coordinator")
    _refuse_sealed(request, study.case_file_id)
    decision = request.POST.get("decision", "")
    if decision == "release":
        desk_workflow.release(study, by=request.user)
        messages.success(request, _("These images are part of the case file now."))
    elif decision == "refuse":
        desk_workflow.refuse(study, by=request.user)
        messages.success(request, _("These images are not used. Nobody who reviews sees them."))
    else:
        desk_workflow.reconsider(study, by=request.user)
        messages.success(request, _("These images are held back again."))
    return redirect(_back(request, study.case_file_id))


def images_remove(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take a study back that was sent by mistake, with a reason."""
    study = get_visible(ImagingStudy, request.user, pk, as_="filler")
    _refuse_sealed(request, study.case_file_id)
    verdict = rules.may_remove(request.user, study)
    if study.status == ImagingStudy.Status.REMOVED:
        raise Http404
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        desk_workflow.remove(study, by=request.user, reason=form.cleaned_data["reason"])
        messages.success(request, _("The images were taken back. They are being erased."))
        return redirect(reverse("records:images", args=[study.case_file_id]))
    [row] = pages.told(view_of(request.user, study.case_file_id), [study])
    context = {"study": study, "row": row, "form": form, "verdict": verdict}
    context["back_url"] = reverse("records:images", args=[study.case_file_id])
    status = 400 if form.is_bound else 200
    return render(request, "records/images_remove.html", context, status=status)


def images_cover(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Mark places in the pictures of a series, to have copies made in which they are black."""
    known = get_visible(ImagingSeries, request.user, pk, as_="coordinator")
    _refuse_sealed(request, known.case_file_id)
    reel = browsing.open_series(request.user, pk)
    verdict = rules.may_cover(request.user, reel.series)
    form = CoverForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        places = form.cleaned_data["rectangles"]
        desk_workflow.order_cover(reel.series, places, by=request.user)
        messages.success(request, _("Copies with covered places are being made."))
        return redirect(_back(request, reel.series.case_file_id))
    number = _number(request.GET.get("picture", ""), max(reel.total, 1))
    context = {
        "reel": reel,
        "title": pages.title_of(reel.view, reel.series),
        "number": number,
        "pictures": reel.slices(number, 1),
        "form": form,
        "verdict": verdict,
        "back_url": reverse("records:images_series", args=[pk]),
    }
    return render(
        request, "records/images_cover.html", context, status=400 if form.is_bound else 200
    )
