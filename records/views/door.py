"""The door for record holders without an account. A link is exchanged at once for a short cookie.

Every page but the first two needs that cookie and asks the database whether its link still lives;
without it the answer is one page for "gone", "too old" and "never there".
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, cast
from uuid import UUID

from allauth.core import ratelimit
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from records import arrivals, door, holder_links, uploads
from records.authorizations import item_lines
from records.imaging_words import words
from records.models import Authorization, HolderLetter, HolderLink
from records.record_request_forms import CodeForm, NeedTimeForm, NoForm, NoteForm
from records.serving import send
from records.views.uploads import announced, created, go_on, tus
from secondop.lib.verdicts import Refused

Inside = Callable[..., HttpResponseBase]
GONE = 410


def _slow_down(request: HttpRequest, action: str) -> HttpResponse | None:
    return cast(
        "HttpResponse | None", ratelimit.consume_or_429(request, action=action, limit_get=True)
    )


def enter(request: HttpRequest, code: str) -> HttpResponse:
    """SECURITY: opening uses nothing up, so a mail scanner that follows links does no harm."""
    if refused := _slow_down(request, "door"):
        return refused
    return _let_in(holder_links.find(code))


def _let_in(link: HolderLink | None) -> HttpResponse:
    response = redirect("door:page")  # also when it is gone: no code stays in the address
    response["Referrer-Policy"] = "no-referrer"
    if link is None:
        holder_links.let_out(response)
        return response
    holder_links.let_in(response, link)
    language = link.record_request.holder.language
    response.set_cookie(settings.LANGUAGE_COOKIE_NAME, language, samesite="Lax",
                        secure=settings.IS_HTTPS)  # fmt: skip
    return response


def code(request: HttpRequest) -> HttpResponse:
    """For who has the letter on paper: type the code."""
    form = CodeForm(request.POST or None)
    if request.method == "POST":
        if refused := _slow_down(request, "door"):
            return refused
        if form.is_valid():
            if link := holder_links.find(form.cleaned_data["code"]):
                return _let_in(link)
            form.add_error("code", _("This code does not work. Look for a mistyped letter."))
    return render(request, "records/door_code.html", {"form": form})


def inside(view: Inside) -> Inside:
    """Give the view the link that this browser came in by, or say that the door is shut."""

    @wraps(view)
    def asked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        link = holder_links.link_of(request)
        if link is None:
            return _shut(request)
        return view(request, link, *args, **kwargs)

    return asked


def _shut(request: HttpRequest) -> HttpResponse:
    is_over = holder_links.is_no_longer_needed(request)
    if "text/html" in request.headers.get("Accept", ""):
        return render(request, "records/door_shut.html", {"is_over": is_over}, status=404)
    said = arrivals.NOT_NEEDED if is_over else arrivals.ENDED
    return HttpResponse(said, status=404, content_type="text/plain; charset=utf-8")


@inside
def page(request: HttpRequest, link: HolderLink) -> HttpResponse:
    """Who asks, for what, under which signature; and every way to answer."""
    if request.headers.get("Sec-Purpose", "") == "":  # a preview is nobody reading
        door.opened(link)
    response = _page(request, link)
    holder_links.let_in(response, link)  # two more hours
    return response


def _page(request: HttpRequest, link: HolderLink, **forms: Any) -> HttpResponse:
    record_request = link.record_request
    record_request.refresh_from_db()
    sent = door.sent_so_far(link)
    images = len(door.images_of(link))
    context = {
        "it": record_request,
        "clinic": record_request.clinic,
        "patient": record_request.case_file.patient,
        "items": item_lines(record_request),
        "permission": _permission(link),
        "sent": sent,
        "images": images,
        "has_sent": bool(sent or images) or door.has_sent(record_request),
        "may_send": door.may_send(link),
        "largest": settings.MAX_DOCUMENT_BYTES,
        "words": words(),
        "note_form": NoteForm(),
        "time_form": NeedTimeForm(),
        "no_form": NoForm(),
        **forms,
    }
    status = 422 if forms else 200
    return render(request, "records/door.html", context, status=status)


def _permission(link: HolderLink) -> Authorization:
    live: Authorization = Authorization.objects.live().get(record_request=link.record_request_id)
    return live


@inside
def permission(request: HttpRequest, link: HolderLink) -> HttpResponse:
    """The signed text, as it was signed."""
    context = {"permission": _permission(link), "letter": _letter(link), "it": link.record_request}
    return render(request, "records/door_permission.html", context)


def _letter(link: HolderLink) -> HolderLetter | None:
    rows = HolderLetter.objects.filter(record_request=link.record_request_id)
    kind = HolderLetter.Kind.AUTHORIZATION
    found: HolderLetter | None = rows.filter(kind=kind).exclude(key="").last()
    return found


@inside
def permission_pdf(request: HttpRequest, link: HolderLink) -> HttpResponseBase:
    letter = _letter(link)
    if letter is None:  # a worker makes it; the page shows the same text meanwhile
        raise Http404
    name = f"{link.record_request.reference}.pdf"
    return send(
        request, letter.key, size_bytes=letter.size_bytes, media_type="application/pdf",
        etag=letter.pk.hex, file_name=name, sha256=letter.sha256,
    )  # fmt: skip


# --- files -------------------------------------------------------------------------------------
@transaction.non_atomic_requests
@inside
@tus
def upload_create(request: HttpRequest, link: HolderLink) -> HttpResponse:
    upload = door.begin_upload(link, **announced(request))
    return created(upload, reverse("door:upload", args=[upload.pk]))


@transaction.non_atomic_requests
@inside
@tus
def upload(request: HttpRequest, link: HolderLink, pk: UUID) -> HttpResponse:
    row = door.upload_of(link, pk)
    if row is None:
        raise Http404
    try:
        return go_on(request, row)
    except Refused as refused:
        if refused.status == GONE:  # the permission ended while it was on its way
            door.turn_away(row)
        raise


@transaction.non_atomic_requests
@inside
def file(request: HttpRequest, link: HolderLink) -> HttpResponse:
    """The form without JavaScript."""
    files = request.FILES.getlist("files")
    if not files:
        messages.error(request, _("Choose a file first."))
    for one in files:
        name = uploads.clean_name(one.name or "")
        try:
            row = door.begin_upload(link, file_name=name, size_bytes=one.size or 0)
            uploads.append(row, one, offset=0, length=row.size_bytes)
        except Refused as refused:
            messages.error(request, f"{name}: {refused.reason}")
        else:
            messages.success(request, _("%(name)s is here and is being checked.") % {"name": name})
    return redirect("door:page")


@inside
def images_here(request: HttpRequest, link: HolderLink) -> HttpResponse:
    """Which images this very ask brought, so that nothing is sent twice."""
    return JsonResponse({"instances": door.images_of(link)})


# --- answers -----------------------------------------------------------------------------------
@transaction.non_atomic_requests
@inside
def answer(request: HttpRequest, link: HolderLink) -> HttpResponse:
    """A note, "we need until", "we do not have it", "that is everything"."""
    if refused := _slow_down(request, "door_answer"):
        return refused
    return ANSWERS.get(request.POST.get("what", ""), _nothing)(request, link)


def _nothing(request: HttpRequest, link: HolderLink) -> HttpResponse:
    return redirect("door:page")


def _note(request: HttpRequest, link: HolderLink) -> HttpResponse:
    form = NoteForm(request.POST)
    if not form.is_valid():
        return _page(request, link, note_form=form, form=form)
    door.say(link, form.cleaned_data["text"])
    door.keep_context(link, form.cleaned_data["text"])
    messages.success(request, _("Your note is with the clinic."))
    return redirect("door:page")


def _need_time(request: HttpRequest, link: HolderLink) -> HttpResponse:
    form = NeedTimeForm(request.POST)
    if not form.is_valid():
        return _page(request, link, time_form=form, form=form)
    door.need_until(link, form.cleaned_data["day"], form.cleaned_data["text"])
    messages.success(request, _("Thank you. The clinic knows the day."))
    return redirect("door:page")


def _no(request: HttpRequest, link: HolderLink) -> HttpResponse:
    form = NoForm(request.POST)
    if not form.is_valid():
        return _page(request, link, no_form=form, form=form)
    step = door.not_held if form.cleaned_data["answer"] == "not_held" else door.refuse
    step(link, form.cleaned_data["text"])
    return redirect("door:thanks")


def _complete(request: HttpRequest, link: HolderLink) -> HttpResponse:
    door.complete(link)
    return redirect("door:thanks")


ANSWERS: dict[str, Callable[[HttpRequest, HolderLink], HttpResponse]] = {
    "note": _note,
    "time": _need_time,
    "no": _no,
    "complete": _complete,
}


@inside
def thanks(request: HttpRequest, link: HolderLink) -> HttpResponse:
    context = {"it": link.record_request, "clinic": link.record_request.clinic}
    return render(request, "records/door_thanks.html", context)
