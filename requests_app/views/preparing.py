"""The blinding desk: what a sealed specialist may see, item by item, saved one at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from records.models import Document
from requests_app import preparing, rules
from requests_app.forms.staff import DocumentClassForm, WordsClassForm
from requests_app.models import OpinionRequest, PatientStatement, Question
from requests_app.views.triage import coordinated
from secondop.lib.access import get_visible


def prepare(request: HttpRequest, pk: UUID) -> HttpResponse:
    """All records and words with their class, and what the specialist will see."""
    opinion_request = coordinated(request, pk)
    return render(request, "requests_app/prepare.html", _desk_context(request, opinion_request))


def _desk_context(
    request: HttpRequest, opinion_request: OpinionRequest, *,
    pk: UUID | None = None, form: Any = None, message: str = "",
) -> dict[str, Any]:  # fmt: skip
    """Everything on the page; `form` and `message` belong to the item with `pk`."""
    desk = preparing.desk(opinion_request)
    for item in desk.documents:
        item.form = _document_form(item)
    for words in desk.words:
        words.form = _words_form(words)
    changed = None
    everything: list[Any] = [*desk.documents, *desk.words]
    for entry in everything:
        is_document = isinstance(entry, preparing.DeskDocument)
        entry_pk = entry.document.pk if is_document else entry.item.pk
        if entry_pk == pk:
            entry.form, entry.message, changed = form or entry.form, message, entry
    return {
        "it": opinion_request,
        "desk": desk,
        "entry": changed,
        "preview": preparing.preview(opinion_request, timezone.localdate()),
        "may_prepare": rules.may_prepare(request.user, opinion_request),
    }


def _document_form(item: preparing.DeskDocument) -> DocumentClassForm:
    document = item.document
    initial = {
        "blinding_class": document.blinding_class, "neutral_title": document.neutral_title,
        "seen": item.seen,
    }  # fmt: skip
    return DocumentClassForm(initial=initial, auto_id=f"id_{document.pk}_%s")


def _words_form(words: preparing.DeskWords) -> WordsClassForm:
    item = words.item
    initial = {
        "choice": preparing.choice_of(item), "neutral_text": item.neutral_text, "seen": words.seen,
    }  # fmt: skip
    return WordsClassForm(initial=initial, auto_id=f"id_{item.pk}_%s")


def classify_document(request: HttpRequest, pk: UUID) -> HttpResponse:
    document = get_visible(Document, request.user, pk, as_="coordinator")
    opinion_request = coordinated(request, document.case_file.opinion_request.pk)
    form = DocumentClassForm(request.POST, auto_id=f"id_{pk}_%s")
    return _save(request, opinion_request, pk, form, lambda by: preparing.classify_document(
        document, by=by, **form.cleaned_data
    ))  # fmt: skip


def classify_question(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _classify_words(request, Question, pk)


def classify_statement(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _classify_words(request, PatientStatement, pk)


def _classify_words(
    request: HttpRequest, model: type[Question] | type[PatientStatement], pk: UUID
) -> HttpResponse:
    """The door is the request's own: absent and forbidden are both 404."""
    item = model._default_manager.filter(pk=pk).first()
    if item is None:
        raise Http404
    opinion_request = coordinated(request, item.opinion_request_id)
    form = WordsClassForm(request.POST, auto_id=f"id_{pk}_%s")
    return _save(request, opinion_request, pk, form, lambda by: preparing.classify_words(
        item, by=by, **form.cleaned_data
    ))  # fmt: skip


def _save(
    request: HttpRequest, opinion_request: OpinionRequest, pk: UUID, form: Any,
    change: Callable[[Any], Any],
) -> HttpResponse:  # fmt: skip
    """Save one item; htmx gets it back with the counts and the preview, a browser the page."""
    rules.may_prepare(request.user, opinion_request).or_raise()
    status = 200
    if form.is_valid():
        try:
            change(request.user)
        except preparing.ItemChanged as changed:
            status, message, form = 409, changed.reason, None
        else:
            message, form = _("Saved."), None
            if not request.headers.get("HX-Request"):
                messages.success(request, message)
                address = reverse("requests:prepare", args=[opinion_request.pk])
                return redirect(f"{address}#item-{pk}")
    else:
        message = ""
    context = _desk_context(request, opinion_request, pk=pk, form=form, message=message)
    wants_part = request.headers.get("HX-Request")
    template = "requests_app/prepare_saved.html" if wants_part else "requests_app/prepare.html"
    return render(request, template, context, status=status)
