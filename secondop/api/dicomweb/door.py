"""STOW-RS at the record holders' door: the same store, under the cookie of one record request.

Nothing else of DICOMweb is there: what is stored cannot be read back.
"""

from __future__ import annotations

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from records import arrivals, holder_links
from secondop.api.dicomweb.answers import edge
from secondop.api.dicomweb.store import refuse_foreign_pages, take
from secondop.lib.verdicts import Refused


@csrf_exempt  # see `secondop.api.dicomweb.store.store`
@transaction.non_atomic_requests
@edge
def store(request: HttpRequest) -> HttpResponse:
    """SECURITY: asked before a byte is read, and again under lock when the batch is stored."""
    link = holder_links.link_of(request)
    if link is None:
        return HttpResponse(arrivals.ENDED, status=404, content_type="text/plain; charset=utf-8")
    refuse_foreign_pages(request)
    case_file = link.record_request.case_file
    with transaction.atomic():
        arrivals.admit(link.record_request_id)
    try:
        response, new = take(request, case_file, by=link.record_request)
    except Refused as refused:
        if refused.status == arrivals.GONE:
            arrivals.refused(link.record_request_id)
        raise
    if response.status_code == 200 and not new:  # all of it was here: that is an arrival too
        arrivals.write(link.record_request, "arrived", by_holder=True, new="images")
    # PRIVACY: addresses of the case file mean nothing to who may not read it.
    response.content = response.content.replace(str(case_file.pk).encode(), b"-")
    return response
