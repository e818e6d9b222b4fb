"""The link of a record holder: 256 bits, stored hashed, good for one record request.

It is exchanged at once for a short cookie (`views/door.py`), so that it stays in no address.
"""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac

from records.models import HolderLink, RecordRequest

COOKIE, SALT, PATH = "door", "records.door", "/door/"
INSIDE_SECONDS = 2 * 3600
LIVES = timedelta(days=120)  # the longest term with its extension, and some days
# Crockford's base 32, lower case: no letter of it is taken for a digit when typed from paper.
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
CODE_LENGTH = 52  # 256 bits, 5 a letter
MISTAKEN = str.maketrans({"i": "1", "l": "1", "o": "0", "u": "v"})


def open_link(record_request: RecordRequest) -> HolderLink:
    """A new link; the one before stops working. In the caller's transaction."""
    now = timezone.now()
    HolderLink.objects.filter(record_request=record_request, revoked_at=None).update(revoked_at=now)
    link = HolderLink(
        clinic_id=record_request.clinic_id,
        case_file_id=record_request.case_file_id,
        record_request=record_request,
        expires_at=now + LIVES,
    )
    link.token_sha256 = sha256_of(code_of(link))
    link.save(force_insert=True)
    return link


def code_of(link: HolderLink) -> str:
    """The secret of 256 bits; stored nowhere, only its SHA-256 is.

    SECURITY: keyed with SECRET_KEY, so whoever reads the database cannot make the link, and a
    letter that is printed again carries the same one.
    """
    mac = salted_hmac("records.holder_link", str(link.pk), algorithm="sha256").digest()
    number = int.from_bytes(mac, "big")
    letters = [ALPHABET[number >> 5 * place & 31] for place in range(CODE_LENGTH)]
    return "".join(reversed(letters))


def sha256_of(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


def spoken(code: str) -> str:
    """In groups of four, to be typed from paper."""
    return " ".join(code[n : n + 4] for n in range(0, len(code), 4)).upper()


def address_of(link: HolderLink) -> str:
    return str(settings.SITE_URL) + reverse("door:enter", args=[code_of(link)])


def find(typed: str) -> HolderLink | None:
    """The link for a code as people type it: spaces, dashes, capitals, O for 0.

    Live, or no longer needed: then the door stays shut and says why.
    """
    code = re.sub(r"[\s\-.]", "", typed).lower().translate(MISTAKEN)
    if len(code) != CODE_LENGTH or not set(code) <= set(ALPHABET):
        return None
    named = HolderLink.objects.filter(token_sha256=sha256_of(code))
    return named.live().first() or named.no_longer_needed().first()


def let_in(response: HttpResponse, link: HolderLink) -> None:
    """SECURITY: the cookie names the link, is signed, and goes to the door's addresses alone."""
    response.set_signed_cookie(
        COOKIE, str(link.pk), salt=SALT, max_age=INSIDE_SECONDS, path=PATH,
        httponly=True, secure=settings.IS_HTTPS, samesite="Lax",
    )  # fmt: skip


def let_out(response: HttpResponse) -> None:
    response.delete_cookie(COOKIE, path=PATH, samesite="Lax")


def name_in(request: HttpRequest) -> str:
    """The link's id out of an unspoiled cookie, "" without one. Says nothing about its life."""
    told: Any = request.get_signed_cookie(COOKIE, default="", salt=SALT, max_age=INSIDE_SECONDS)
    return str(told)


def is_no_longer_needed(request: HttpRequest) -> bool:
    pk = name_in(request)
    return bool(pk) and HolderLink.objects.no_longer_needed().filter(pk=pk).exists()


def link_of(request: HttpRequest) -> HolderLink | None:
    """The link somebody came in by, if it still lives: asked of the database each time."""
    if not (pk := name_in(request)):
        return None
    rows = HolderLink.objects.live().filter(pk=pk)
    return rows.select_related("record_request__holder", "record_request__case_file__patient",
                               "record_request__clinic").first()  # fmt: skip
