"""Letters to record holders as PDF, made by a worker: asking, reminding, pressing, complaining.

The link stands in them as a QR code and as a code to type. `qrcode` comes with allauth's MFA.
"""

from __future__ import annotations

import hashlib
from typing import Any
from zoneinfo import ZoneInfo

import qrcode  # type: ignore[import-untyped]
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.utils.translation import override
from qrcode.image.svg import SvgPathImage  # type: ignore[import-untyped]

from records import holder_links
from records.authorizations import item_lines
from records.legal_clocks import clock_of
from records.models import Authorization, HolderLetter, HolderLink, RecordRequest
from records.paper import pdf_of
from secondop.jobs.models import TemporaryFailure
from secondop.lib.storage import new_key


def write(letter: HolderLetter) -> None:
    """Make and store the PDF, unless that was done. The claim is the caller's."""
    if letter.key:
        return
    try:
        pdf = pdf_of(html_of(letter))
    except OSError as exc:  # Pango is not installed (yet)
        raise TemporaryFailure("no PDF library") from exc
    key = default_storage.save(new_key("letters"), ContentFile(pdf))
    try:
        with letter.closing():
            HolderLetter.objects.filter(pk=letter.pk).update(
                key=key, sha256=hashlib.sha256(pdf).hexdigest(), size_bytes=len(pdf)
            )
    except BaseException:
        default_storage.delete(key)  # another worker was faster, or we were stopped
        raise


def html_of(letter: HolderLetter) -> str:
    """One page of HTML in the language of the record holder (the permission: as it was signed)."""
    rows = RecordRequest.objects.select_related("holder", "clinic", "case_file__patient")
    record_request = rows.get(pk=letter.record_request_id)
    signed = _signed(record_request)
    is_permission = letter.kind == HolderLetter.Kind.AUTHORIZATION
    language = signed.language if is_permission and signed else record_request.holder.language
    zone = ZoneInfo(record_request.clinic.time_zone)
    with override(language), timezone.override(zone):
        context = _context(letter, record_request, signed)
        return render_to_string(f"records/letters/{letter.kind}.html", context)


def _signed(record_request: RecordRequest) -> Authorization | None:
    """The permission the letter stands on, also when it was taken back since."""
    signed = record_request.authorizations.filter(signed_at__isnull=False)
    found: Authorization | None = signed.order_by("revoked_at", "-signed_at").last()
    live: Authorization | None = signed.filter(revoked_at=None).first()
    return live or found


def _context(
    letter: HolderLetter, record_request: RecordRequest, signed: Authorization | None
) -> dict[str, Any]:
    links = HolderLink.objects.filter(record_request=record_request, revoked_at=None)
    link = links.first()
    return {
        "letter": letter,
        "it": record_request,
        "holder": record_request.holder,
        "clinic": record_request.clinic,
        "patient": record_request.case_file.patient,
        "items": item_lines(record_request),
        "signed": signed,
        "clock": clock_of(record_request.holder.country, record_request.basis),
        "refusal": _refusal(record_request),
        "site_door": settings.SITE_URL + reverse("door:code"),
        "address": holder_links.address_of(link) if link else "",
        "code": holder_links.spoken(holder_links.code_of(link)) if link else "",
        "qr": qr_of(holder_links.address_of(link)) if link else "",
    }


def _refusal(record_request: RecordRequest) -> str:
    """The reason they gave, as the ledger has it."""
    moves = record_request.events.filter(kind="moved", new="refused").exclude(text="")
    last = moves.order_by("-at").first()
    return last.text if last else ""


def qr_of(address: str) -> str:
    """The address as a QR code: one SVG path, medium error correction."""
    image = qrcode.make(
        address, image_factory=SvgPathImage, error_correction=qrcode.constants.ERROR_CORRECT_M
    )
    # SECURITY: drawn by the library from an address that we made; no typed text is in it.
    return str(mark_safe(image.to_string(encoding="unicode")))  # noqa: S308
