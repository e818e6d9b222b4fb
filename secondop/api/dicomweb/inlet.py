"""A hospital's machine pushes images: STOW-RS with a bearer token, and nothing else.

Before sessions and CSRF: a machine has neither. SECURITY: a token stores into the one case file it
was made for. Any other method or address goes on without a person, and is told to sign in.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from uuid import UUID

from django.core.cache import cache
from django.http import HttpRequest, HttpResponseBase

from records import imaging_inlets
from secondop.api.dicomweb.answers import edge, failure
from secondop.api.dicomweb.store import take
from secondop.lib.verdicts import Refused

STORE = re.compile(r"/case-files/([0-9a-f-]{36})/dicom-web/studies(?:/([0-9A-Za-z.-]{1,64}))?")
SCHEME = "Bearer "
WINDOW_SECONDS = 60
BATCHES_A_MINUTE = 240
WRONG_TOKENS_A_MINUTE = 30


class pushed_by_a_hospital:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        wanted = STORE.fullmatch(request.path_info)
        told = request.headers.get("Authorization", "")
        if not wanted or request.method != "POST" or not told.startswith(SCHEME):
            return self.get_response(request)
        return _push(request, wanted[1], wanted[2] or "", told.removeprefix(SCHEME).strip())


@edge
def _push(request: HttpRequest, pk: str, study: str, token: str) -> HttpResponseBase:
    _slow_down("wrong", request.META.get("REMOTE_ADDR", ""), WRONG_TOKENS_A_MINUTE, count=False)
    try:
        inlet = imaging_inlets.find(UUID(pk), token)
    except ValueError:
        inlet = None
    if inlet is None:  # unknown, run out, closed, of another case file: all the same
        _slow_down("wrong", request.META.get("REMOTE_ADDR", ""), WRONG_TOKENS_A_MINUTE)
        response = failure(401, "This token opens nothing here.")
        response["WWW-Authenticate"] = "Bearer"
        return response
    _slow_down("inlet", str(inlet.pk), BATCHES_A_MINUTE)
    if not inlet.case_file.is_open_for_records:
        raise Refused("This case file takes no more records. Ask the clinic.", 409)
    answer, stored = take(request, inlet.case_file, by=inlet, study=study)
    if answer.status_code in (200, 202):
        imaging_inlets.note_used(inlet, stored=stored)
    return answer


def _slow_down(what: str, who: str, most: int, *, count: bool = True) -> None:
    """Refuse more than `most` a minute. PRIVACY: an address is not written into the cache."""
    key = f"imaging-{what}:{hashlib.sha256(who.encode()).hexdigest()[:32]}"
    cache.add(key, 0, WINDOW_SECONDS)
    try:
        seen = cache.incr(key) if count else int(cache.get(key) or 0) + 1
    except ValueError:  # forgotten between the two
        return
    if seen > most:
        raise Refused("Too many requests. Wait a minute.", 429)
