"""The documents of a case file: the list, one document page by page, its original, its removal."""

from __future__ import annotations

from urllib.parse import quote
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from records import documents as listing
from records import rules, workflow
from records.blinding import Sight, sight_of
from records.forms import KindForm
from records.models import CaseFile, Document
from records.problems import problem_of, why_held
from records.readable.rendering import readable
from records.serving import send
from secondop.lib.access import get_visible
from secondop.lib.pages import page_or_part

Status = Document.Status


def documents(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The list that refreshes itself while files are being checked."""
    case_file = _own_case_file(request, pk)
    context = {"case_file": case_file, "next_url": next_path(request, "")}
    return page_or_part(request, "records/documents.html", "records/_documents.html", context)


def _own_case_file(request: HttpRequest, pk: UUID) -> CaseFile:
    try:
        return get_visible(CaseFile, request.user, pk, as_="patient")
    except Http404:
        return get_visible(CaseFile, request.user, pk, as_="coordinator")


def next_path(request: HttpRequest, otherwise: str) -> str:
    """Where the person came from. SECURITY: never an address elsewhere."""
    wanted = request.POST.get("next") or request.GET.get("next", "")
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure())
    return wanted if ours else otherwise


def _seen(request: HttpRequest, pk: UUID) -> tuple[Document, Sight]:
    """The document and the sight this person has of it; 404 when a seal keeps it shut."""
    document = get_visible(Document.objects.select_related("case_file", "name"), request.user, pk)
    sight = sight_of(request.user, document.case_file)
    shut = sight != "full" and (document.blinding_class, document.status) != ("clear", "available")
    if not sight or shut or document.status == Status.REMOVED:
        raise Http404
    return document, sight


def document(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Every page as a picture, with its text for those who cannot see it."""
    document, sight = _seen(request, pk)
    is_readable = listing.is_readable(document, request.user)
    if is_readable:
        listing.note_once("document.opened", document, request.user)
    is_staff = request.user.is_clinic_staff  # type: ignore[union-attr]
    next_url = next_path(request, "")
    query = f"next={quote(next_url)}&" if next_url else ""
    context = {
        "document": document,
        "record": readable(document, sight, request.GET.get("part", ""), query)
        if is_readable
        else None,
        "title": listing.heading(document, sight),
        "pages": document.pages.order_by("number") if is_readable else [],
        "may_download": sight == "full" and is_readable,
        "problem": why_held(document.problem)
        if document.status == Status.HELD
        else problem_of(document.problem),
        "findings": listing.findings_in_words(document) if is_staff and sight == "full" else [],
        "next_url": next_url,
    }
    return render(request, "records/document.html", context)


@transaction.non_atomic_requests
def page_image(request: HttpRequest, pk: UUID, number: int) -> HttpResponseBase:
    document, _sight = _seen(request, pk)
    page = document.pages.filter(number=number).first()
    if not page or not listing.is_readable(document, request.user):
        raise Http404
    with transaction.atomic():
        listing.note_once("document.opened", document, request.user)
    return send(
        request,
        page.key,
        size_bytes=page.size_bytes,
        media_type=page.media_type,
        etag=page.pk.hex,
    )


@transaction.non_atomic_requests
def download(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """The original, to keep.

    SECURITY: never to a sealed reader: its title, author or a hidden layer may state the diagnosis.
    """
    document, sight = _seen(request, pk)
    if sight != "full" or not listing.is_readable(document, request.user):
        raise Http404
    if not listing.is_untouched(document):
        return render(request, "records/document_altered.html", status=500)
    with transaction.atomic():
        listing.note_once("document.downloaded", document, request.user)
    return send(
        request,
        document.key,
        size_bytes=document.size_bytes,
        media_type=document.media_type,
        etag=document.pk.hex,
        file_name=listing.title_of(document),
        sha256=document.sha256,
        on_altered=lambda: listing.set_aside(document),
    )


def set_kind(request: HttpRequest, pk: UUID) -> HttpResponse:
    document = get_visible(Document, request.user, pk, as_="filler")
    form = KindForm(request.POST)
    rules.may_describe(request.user, document).or_raise()
    if form.is_valid():
        workflow.set_kind(document, form.cleaned_data["kind"], by=request.user)
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204 if form.is_valid() else 400)
    return redirect(next_path(request, reverse("records:documents", args=[document.case_file_id])))


def remove(request: HttpRequest, pk: UUID) -> HttpResponse:
    rows = Document.objects.select_related("case_file")
    document = get_visible(rows, request.user, pk, as_="filler")
    back = next_path(request, reverse("records:documents", args=[document.case_file_id]))
    verdict = rules.may_remove(request.user, document)
    if request.method == "POST":
        workflow.remove(document, by=request.user)
        messages.success(request, _("The file was removed."))
        return redirect(back)
    if verdict.status == 403 or document.status == Status.REMOVED:
        raise Http404
    title = listing.title_of(document)
    context = {"document": document, "title": title, "back": back, "verdict": verdict}
    return render(request, "records/remove.html", context)
