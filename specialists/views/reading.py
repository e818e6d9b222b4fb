"""The case file as far as the reader's sight goes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from records.blinding import Sight
from records.models import Document
from records.readable.rendering import readable
from secondop.accounts.roles import SPECIALIST
from secondop.lib.access import get_visible
from specialists import rules
from specialists.images import images_for
from specialists.models import Referral
from specialists.reading import CaseFileView, Item, mark_read_of, note_opened, project


def open_file(request: HttpRequest, pk: UUID) -> tuple[Referral, CaseFileView]:
    """The referral and the projection of its case file; 404 when the file is closed."""
    row = get_visible(
        Referral.objects.select_related(
            "specialist", "opinion", "panel", "opinion_request__case_file__patient"
        ),
        request.user,
        pk,
        as_=SPECIALIST,
    )
    rules.may_read(request.user, row).or_raise()
    seen = project(row, request.user)
    if seen is None:
        raise Http404
    return row, seen


def case_file(request: HttpRequest, pk: UUID) -> HttpResponse:
    row, seen = open_file(request, pk)
    here = _chosen(seen, request.GET.get("document", ""))
    note_opened(row.opinion_request.case_file, "case_file.read", by=request.user)
    context: dict[str, Any] = {"referral": row, "file": seen, "here": here}
    case_file = row.opinion_request.case_file
    context["images"] = images_for(request.user, case_file, is_sealed=seen.is_sealed)
    if here:
        document = get_visible(Document, request.user, here.id, as_=SPECIALIST)
        note_opened(document, "document.opened", by=request.user)
        context["pages"] = list(document.pages.defer("text").order_by("number"))
        sight: Sight = "sealed" if seen.is_sealed else "full"
        query = f"document={here.id}&"
        context["record"] = readable(document, sight, request.GET.get("part", ""), query)
        at = seen.documents.index(here)
        context["previous"] = seen.documents[at - 1] if at else None
        context["next"] = seen.documents[at + 1] if at + 1 < len(seen.documents) else None
        context["at"] = at + 1
    return render(request, "specialists/case_file.html", context)


def _chosen(seen: CaseFileView, asked: str) -> Item | None:
    """The document asked for, else the first not yet read, else the first."""
    if asked:
        found = next((item for item in seen.documents if str(item.id) == asked), None)
        if found is None:
            raise Http404
        return found
    return next((item for item in seen.documents if not item.is_read), None) or next(
        iter(seen.documents), None
    )


def mark_read(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Say that a document was reviewed, or not; the report lists it."""
    _row, seen = open_file(request, pk)
    item = _chosen(seen, request.POST.get("document", ""))
    if item is None or not request.POST.get("document"):
        return redirect("specialists:case_file", pk=pk)
    is_read = request.POST.get("is_read") == "yes"
    mark_read_of(item, by=request.user, is_read=is_read)
    shown = item
    if is_read:  # go on to the next one that is still unread
        shown = next((i for i in seen.documents if not i.is_read and i.id != item.id), item)
    url = reverse("specialists:case_file", args=[pk])
    return redirect(f"{url}?document={shown.id}")
