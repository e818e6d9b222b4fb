"""The page that sends images: a folder, a disc, a ZIP or single files. For who fills a case file.

Images go by STOW-RS to `secondop.api.dicomweb`, a ZIP goes by tus to `records.views.uploads`. Here
are the page, the progress of archives, and what is already here, so that nothing goes twice.
"""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import NoReverseMatch, reverse
from django.utils.http import url_has_allowed_host_and_scheme

from records import rules
from records.imaging_archives import rows_of
from records.imaging_words import words
from records.models import CaseFile, ImagingInstance
from secondop.lib.access import get_visible
from secondop.lib.pages import page_or_part


def images_add(request: HttpRequest, pk: UUID) -> HttpResponse:
    case_file = get_visible(CaseFile, request.user, pk, as_="filler")
    next_url = _next(request)
    archives = rows_of(case_file)
    context = {
        "case_file": case_file,
        "may_add": rules.may_add_records(request.user, case_file),
        "archives": archives,
        "is_unpacking": any(row.is_open for row in archives),
        "next_url": next_url,
        "images_url": _images_page(case_file),
        "words": words(),
        "most_bytes": settings.MAX_ARCHIVE_BYTES,
    }
    return page_or_part(
        request, "records/images_add.html", "records/_images_add_zips.html", context
    )


def _next(request: HttpRequest) -> str:
    """Where the person came from. SECURITY: never an address elsewhere."""
    wanted = request.GET.get("next", "")
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure())
    return wanted if ours else ""


def _images_page(case_file: CaseFile) -> str:
    try:
        return reverse("records:images", args=[case_file.pk])
    except NoReverseMatch:
        return reverse("records:documents", args=[case_file.pk])


def images_here(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Every image of the case file with its size, so that the page sends only what is missing.

    What stands in a damaged pack is missing: sent again it is mended.

    PRIVACY: numbers of images (SOPInstanceUID) and sizes, to who may fill the case file alone.
    """
    case_file = get_visible(CaseFile, request.user, pk, as_="filler")
    rows = ImagingInstance.objects.filter(case_file=case_file, pack__quarantined_at=None)
    return JsonResponse({"instances": dict(rows.values_list("SOPInstanceUID", "size_bytes"))})
