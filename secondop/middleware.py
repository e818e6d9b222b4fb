"""Edge behaviour shared by every page: declared routes only, refusals as answers, no caching."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext_lazy as _

from records.holder_links import name_in
from secondop.accounts.second_factor import needs_second_factor, to_second_factor
from secondop.lib import second_wall
from secondop.lib.routes import ANYBODY, SIGNED_IN, Route, declared_routes
from secondop.lib.verdicts import Refused
from secondop.pages.errors import refused

FORM_TYPES = ("multipart/form-data", "application/x-www-form-urlencoded")
MOST_FORM_BYTES = 5 * 1024**2  # every text field of the longest form, many times over
UPLOAD_FORM, DOOR_FORM, FORM_AROUND_FILE = "records:upload_simple", "door:file", 1024**2
GetResponse = Callable[[HttpRequest], HttpResponse]


def wants_page(request: HttpRequest) -> bool:
    return "text/html" in request.headers.get("Accept", "")


class declared_routes_only:
    """Default deny: a route that is in no `access.py` answers 403, whoever asks.

    SECURITY: this opens or closes the door of a route by kind of person. What is behind the door
    is decided by `visible_to`. A person of the wrong kind gets 404: the page is not theirs to know.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_args: object) -> HttpResponse | None:
        match = request.resolver_match
        declared = declared_routes().get(match.view_name if match else "")
        if declared is None:
            return refused(request, status=403)
        method = str(request.method)
        if method == "HEAD" and "HEAD" not in declared.methods:
            method = "GET"
        if method not in declared.methods:
            return HttpResponseNotAllowed(sorted(declared.methods))
        if ANYBODY in declared.who:
            return None
        if not request.user.is_authenticated:
            return self._please_sign_in(request, declared)
        if needs_second_factor(request) and not declared.without_second_factor:
            for_a_system = declared.is_edge and not wants_page(request)
            return HttpResponse(status=403) if for_a_system else to_second_factor(request)
        if not self._is_of(declared, request):
            raise Http404
        return None

    @staticmethod
    def _please_sign_in(request: HttpRequest, declared: Route) -> HttpResponse:
        """A page redirects; a script (htmx, upload, autosave) gets 401 and keeps its text."""
        is_script = request.headers.get("HX-Request") or declared.is_edge or request.method != "GET"
        if request.headers.get("HX-Request") or (is_script and not wants_page(request)):
            return HttpResponse(status=401)
        after = request.get_full_path() if request.method == "GET" else ""
        return redirect_to_login(after)

    @staticmethod
    def _is_of(declared: Route, request: HttpRequest) -> bool:
        user = request.user
        return SIGNED_IN in declared.who or bool(declared.who & set(user.roles))  # type: ignore[union-attr]


class before_the_second_wall:
    """PostgreSQL knows from here on for whom it is asked. The end of the request ends it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        second_wall.stand_before(str(user.pk) if user.is_authenticated else "")
        return self.get_response(request)


class bounded_forms:
    """Refuse a form that is too large before anybody reads it.

    SECURITY: the CSRF check after this one reads a posted form to its end, files included, and
    writes them to the disk: for anybody, on any route. Only the plain upload forms may be large,
    and only for somebody who is signed in or came by a record holder's link. Other bodies (tus,
    DICOM) are not parsed; their views bound them.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_args: object) -> HttpResponse | None:
        if request.method != "POST" or request.content_type not in FORM_TYPES:
            return None
        length = request.headers.get("Content-Length") or "0"
        if "Transfer-Encoding" in request.headers or not (length.isascii() and length.isdigit()):
            return refused(request, _("Your browser did not say how large this form is."), 411)
        if int(length[:18]) > self._most(request):
            return refused(request, status=413)
        return None

    @staticmethod
    def _most(request: HttpRequest) -> int:
        match = request.resolver_match
        name = match.view_name if match else ""
        is_in = (name == UPLOAD_FORM and request.user.is_authenticated) or (
            name == DOOR_FORM and bool(name_in(request))  # the signed cookie of a record holder
        )
        if is_in:
            return int(settings.MAX_DOCUMENT_BYTES) + FORM_AROUND_FILE
        return MOST_FORM_BYTES


class refusals:
    """Turn a rule's refusal into a page with the rule's own sentence and status code."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exc: Exception) -> HttpResponse | None:
        if not isinstance(exc, Refused):
            return None
        return refused(request, exc.reason, exc.status)


class private_by_default:
    """Pages are never kept by a browser or proxy; every response names its request for the log."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.request_id = uuid.uuid4().hex[:12]  # type: ignore[attr-defined]
        response = self.get_response(request)
        if not response.has_header("Cache-Control") and not request.path.startswith(
            settings.STATIC_URL
        ):
            add_never_cache_headers(response)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault(
            "Permissions-Policy", "camera=(), microphone=(), geolocation=()"
        )
        return response
