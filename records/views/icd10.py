"""Look up an ICD-10-CM code: a list while typing, and a plain page without JavaScript.

PRIVACY: what is searched is often a diagnosis, so it travels in the body, never in an address.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from records.icd10 import RESULTS, search

MORE_RESULTS = 40


def icd10_search(request: HttpRequest) -> HttpResponse:
    typed = request.POST.get("q", "")[:200]
    if "application/json" in request.headers.get("Accept", ""):
        found = search(typed, RESULTS)
        said = ngettext("%(n)d match", "%(n)d matches", len(found)) % {"n": len(found)}
        return JsonResponse(
            {
                "results": [{"code": code.code, "title": code.title} for code in found],
                "said": said if found else _("No match. You can leave this empty."),
            }
        )
    context = {"typed": typed, "results": search(typed, MORE_RESULTS) if typed else []}
    return render(request, "records/icd10.html", context)
