"""The blinding desk: one item at a time beside its hits, decided by a key or a button."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from records import redaction
from records.models import BlindingHit, Document
from requests_app import deciding, preparing, rules
from requests_app.desk_items import Item, desk_of
from requests_app.desk_page import messages_to_specialists, on_the_desk
from requests_app.forms.desk import CoverForm, DecideForm
from requests_app.models import DeskDecision, OpinionRequest
from requests_app.views.triage import coordinated
from secondop.lib.access import get_visible
from secondop.lib.verdicts import not_now

About, Choice = DeskDecision.About, DeskDecision.Choice
MAX_PICKED = 500


def prepare(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One item with its hits, the list of all, and what the specialist will see."""
    opinion_request = coordinated(request, pk)
    context = _context(
        request, opinion_request, request.GET.get("item", ""), _number(request.GET.get("page"))
    )
    return render(request, "requests_app/prepare.html", context)


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 7 else 0


def _context(
    request: HttpRequest, opinion_request: OpinionRequest, key: str, page: int = 0,
    *, form: DecideForm | None = None, problem: str = "",
) -> dict[str, Any]:  # fmt: skip
    desk = desk_of(opinion_request)
    here = desk.find(key) or desk.first_open() or next(iter(desk.items), None)
    context: dict[str, Any] = {
        "it": opinion_request,
        "desk": desk,
        "preview": preparing.preview(opinion_request, timezone.localdate()),
        "written": messages_to_specialists(opinion_request),
        "may_prepare": rules.may_prepare(request.user, opinion_request),
        "problem": problem,
    }
    last = desk.find(request.GET.get("last", ""))
    if last and last is not here and deciding.may_undo(last):
        context["last"] = last
    if here:
        previous, following = desk.beside(here)
        context |= {
            "here": here,
            "shown": on_the_desk(here, page, with_lines="lines" in request.GET),
            "previous": previous, "next": following,
            "form": form or _form_for(here),
            "may_undo": deciding.may_undo(here),
            "may_second": deciding.may_second(request.user, here),
            "may_show": deciding.may_show(here),
            "may_show_copy": deciding.may_show(here, as_copy=True),
        }  # fmt: skip
    return context


def _form_for(item: Item) -> DecideForm:
    waiting = item.decision if item.decision and item.decision.state == "waiting" else None
    neutral = waiting.neutral if waiting else item.neutral
    return DecideForm(initial={"title": neutral, "wording": neutral})


def _back(opinion_request: OpinionRequest, *, item: str, page: int = 0, last: str = "") -> str:
    asked = {"item": item, "page": page, "last": last}
    query = urlencode({name: value for name, value in asked.items() if value})
    return f"{reverse('requests:prepare', args=[opinion_request.pk])}?{query}#desk"


def decide(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Save one answer and go on to the next item that needs somebody."""
    opinion_request = coordinated(request, pk)
    rules.may_prepare(request.user, opinion_request).or_raise()
    form = DecideForm(request.POST, case_file=opinion_request.case_file)
    if not form.is_valid():
        key, page = request.POST.get("item", ""), _number(request.POST.get("page"))
        context = _context(request, opinion_request, key, page, form=form)
        return render(request, "requests_app/prepare.html", context)
    given = form.cleaned_data
    key, action = given["item"], given["action"]
    try:
        said = _act(opinion_request, form, by=request.user)
    except deciding.ItemChanged as changed:
        context = _context(
            request, opinion_request, key, given["page"] or 0, problem=changed.reason
        )
        return render(request, "requests_app/prepare.html", context, status=changed.status)
    messages.success(request, said)
    stays = action == "undo"
    following = None if stays else desk_of(opinion_request).first_open(key)
    target = following.key if following else key
    return redirect(_back(opinion_request, item=target, last="" if stays else key))


def _act(opinion_request: OpinionRequest, form: DecideForm, *, by: Any) -> str:
    """Do what was asked; returns the sentence for the person."""
    given = form.cleaned_data
    key, action, looked = given["item"], given["action"], given["looked"]
    common = {"seen": given["seen"], "by": by}
    if action == "undo":
        item = deciding.undo(opinion_request, key, **common)
        return _("Undone: %(name)s.") % {"name": item.name}
    if action in ("agree", "not_agree"):
        item = deciding.second(
            opinion_request, key, agrees=action == "agree", has_seen_pictures=looked, **common
        )
        said = _("Agreed: %(name)s.") if action == "agree" else _("Not agreed: %(name)s.")
        return said % {"name": item.name}
    if action == "show_copy":
        item = deciding.confirm_copy(opinion_request, key, **common)
        return _("The copy is shown: %(name)s.") % {"name": item.name}
    with transaction.atomic():
        if action == Choice.REDACT:
            _cover_all_if_none(opinion_request, key, by)
        decision = deciding.decide(
            opinion_request, key, choice=action, neutral=form.neutral, has_seen_pictures=looked,
            **common,
        )  # fmt: skip
    if decision.state == DeskDecision.State.WAITING:
        return _("Saved. A colleague must agree before the specialist gets it.")
    return str(SAID[action])


SAID: dict[str, str | Promise] = {
    Choice.RELEASE: gettext_lazy("Released."),
    Choice.NEUTRAL: gettext_lazy("Released in neutral words."),
    Choice.REDACT: gettext_lazy("Withheld. The copy is being made and is shown when it is clean."),
    Choice.UNSURE: gettext_lazy("Kept back for now."),
    Choice.WITHHOLD: gettext_lazy("Withheld."),
}


def _cover_all_if_none(opinion_request: OpinionRequest, key: str, by: Any) -> None:
    """Without a marked place, the copy covers all that the search found on the pages."""
    document = _document(opinion_request, key, by)
    if not document.redaction_areas.exists():
        _cover_hits(document, BlindingHit.objects.of("document", document.pk), by)


def _document(opinion_request: OpinionRequest, key: str, by: Any) -> Document:
    """SECURITY: through the door, and of this request alone."""
    about, _dash, pk = key.partition("-")
    try:
        wanted = UUID(pk) if about == About.DOCUMENT else None
    except ValueError:
        wanted = None
    if wanted is None:
        not_now(_("Only a document can be redacted here.")).or_raise()
    rows = Document.objects.filter(case_file=opinion_request.case_file_id)
    return get_visible(rows, by, wanted, as_="coordinator")  # type: ignore[arg-type]


def _cover_hits(document: Document, hits: Any, by: Any) -> int:
    places = [place for hit in hits for place in redaction.places_of(document, hit)]
    if not places:
        not_now(_("Nothing was found that can be covered. Mark the place yourself.")).or_raise()
    return redaction.cover(document, places, by=by)


def redaction_areas(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Mark places to cover, or give them back. The copy is made when it is asked for."""
    opinion_request = coordinated(request, pk)
    rules.may_prepare(request.user, opinion_request).or_raise()
    form = CoverForm(request.POST)
    if not form.is_valid():
        not_now(_("This box covers nothing. Draw it again.")).or_raise()
    given = form.cleaned_data
    document = _document(opinion_request, given["item"], request.user)
    page = given["page"] or 1
    count = _change_areas(request, document, form, page)
    if given["action"].startswith("remove"):
        said = ngettext("%(n)d place taken off.", "%(n)d places taken off.", count)
    else:
        said = ngettext("%(n)d place marked.", "%(n)d places marked.", count)
    messages.success(request, said % {"n": count})
    return redirect(_back(opinion_request, item=given["item"], page=page))


def _change_areas(request: HttpRequest, document: Document, form: CoverForm, page: int) -> int:
    given, by = form.cleaned_data, request.user
    action = given["action"]
    hits = BlindingHit.objects.of("document", document.pk)
    if action in ("remove", "remove_all"):
        picked = document.redaction_areas.values_list("pk", flat=True)
        if action == "remove":
            picked = picked.filter(pk__in=_uuids(request.POST.getlist("area")))
        return redaction.uncover(document, pks=picked, by=by)
    if action == "all":
        return _cover_hits(document, hits, by)
    if action == "page":
        return _cover_hits(document, hits.filter(page=page), by)
    if action == "hits":
        return _cover_hits(document, hits.filter(pk__in=_uuids(request.POST.getlist("hit"))), by)
    return redaction.cover(document, _drawn(request, document, form, page), by=by)


def _drawn(
    request: HttpRequest, document: Document, form: CoverForm, page: int
) -> list[redaction.Place]:
    given = form.cleaned_data
    if given["action"] == "box" and given["box"]:
        return [redaction.Place(page, given["box"])]
    if given["action"] == "phrase" and given["phrase"]:
        return redaction.places_of_phrase(document, given["phrase"])
    wanted = {text for text in request.POST.getlist("line") if text.isdecimal()}
    lines = redaction.lines_on(document, page)
    picked = [line for n, line in enumerate(lines) if str(n) in wanted]
    if not picked:
        not_now(_("Choose what to cover first.")).or_raise()
    return [redaction.Place(page, tuple(line.box)) for line in picked]


def _uuids(texts: list[str]) -> list[UUID]:
    found = []
    for text in texts[:MAX_PICKED]:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found
