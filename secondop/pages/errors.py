"""Error pages with a next step each; htmx gets a small piece, our own scripts get JSON.

Wired as `handler400` ... `handler500` in `secondop.urls` and as `CSRF_FAILURE_VIEW`. `refused`
answers for a rule that said no.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Trouble:
    title: str | Promise
    text: str | Promise


TROUBLES = {
    400: Trouble(
        _("We could not read that"),
        _("Something in the address or the form was not as expected. Go back and try again."),
    ),
    403: Trouble(
        _("This is not open to you"),
        _("This page belongs to somebody else, or to people with another role."),
    ),
    404: Trouble(
        _("We cannot find this page"),
        _("The address may be mistyped, the link may be too old, or the page is not yours."),
    ),
    405: Trouble(
        _("That cannot be done here"),
        _("This address does not take that kind of request. Use the buttons on the page."),
    ),
    409: Trouble(
        _("That cannot be done now"),
        _("Things changed since you opened the page. Go back and load it again."),
    ),
    411: Trouble(
        _("We could not read that"), _("The size of what you sent was not told. Try again."),
    ),
    413: Trouble(
        _("That is too large"), _("Send less at once. Nothing of it was kept."),
    ),
    429: Trouble(
        _("Too many tries"), _("Wait a few minutes, then try again."),
    ),
}  # fmt: skip


def refused(request: HttpRequest, reason: str | Promise = "", status: int = 409) -> HttpResponse:
    """An error page whose sentence is the rule's own reason."""
    trouble = TROUBLES.get(status, TROUBLES[400])
    context = {
        "status": status,
        "title": trouble.title,
        "text": reason or trouble.text,
        "back": _page_before(request),
    }
    accepts = request.headers.get("Accept", "")
    if "application/json" in accepts and "text/html" not in accepts:
        return JsonResponse({"message": str(context["text"])}, status=status)
    if request.headers.get("HX-Request"):
        piece = {"kind": "error", "text": context["text"], "live": True}
        response = render(request, "components/alert.html", piece, status=status)
        response["HX-Retarget"], response["HX-Reswap"] = "#messages", "innerHTML"
        return response
    return render(request, "secondop/error.html", context, status=status)


def _page_before(request: HttpRequest) -> str:
    """The page of ours that the person came from. SECURITY: never an address elsewhere."""
    before = request.headers.get("Referer", "")
    try:
        host = request.get_host()
    except DisallowedHost:  # which may be the very reason for this page
        return ""
    ours = url_has_allowed_host_and_scheme(before, {host}, request.is_secure())
    return before if ours else ""


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return refused(request, status=400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return refused(request, status=403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return refused(request, status=404)


def conflict(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return refused(request, status=409)


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form was too old or came from elsewhere; what was typed is one step back."""
    sentence = _("This form is too old to be sent. Go back, load the page again and send it anew.")
    return refused(request, sentence, status=403)


def too_many(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return refused(request, status=429)


def server_error(request: HttpRequest) -> HttpResponse:
    """Our fault. Reads neither database nor session: they may be what is broken."""
    return _plain("secondop/500.html", 500)


def unavailable(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    response = _plain("secondop/503.html", 503)
    response["Retry-After"] = "60"
    return response


def _plain(template: str, status: int) -> HttpResponse:
    return HttpResponse(render_to_string(template), status=status)
