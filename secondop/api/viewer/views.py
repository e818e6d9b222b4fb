"""The page in which OHIF runs, told to look at one case file and at nothing else.

The case file is in the address, and in the root of every request OHIF makes, so that a UID alone
opens nothing. What it gets there is decided by `records.imaging`.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language

from records import imaging_lane
from records.imaging import View, view_of
from records.models import ImagingStudy
from secondop.api.viewer.bundle import NotSetUp, bundle, policy

MODE = "basic"  # measures and saves without asking whether to "track" each series
SIDE_BY_SIDE = "@ohif/hpCompare"
MOST_STUDIES = 8  # the viewer reads the headers of each study it is told of; the rest it lists


def open_images(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Send the reader to the viewer with the studies asked for, or all, the newest first.

    `study` (repeated) names studies by our ids; `side_by_side` shows the first two next to each
    other. SECURITY: the UIDs in the address are those of the reader's sight, aliases when sealed.
    """
    view = view_of(request.user, pk)
    chosen = _chosen(view, request.GET.getlist("study"))
    if not chosen:
        return render(request, "viewer/nothing.html", {"case_file": view.case_file})
    uids = [_uid(view, study) for study in chosen[:MOST_STUDIES]]
    query = [("StudyInstanceUIDs", ",".join(uids))]
    if request.GET.get("side_by_side") and len(uids) > 1:
        query.append(("hangingprotocolId", SIDE_BY_SIDE))
    address = reverse("viewer:page", args=[pk, MODE])
    return redirect(f"{address}?{urlencode(query)}")


def _uid(view: View, study: ImagingStudy) -> str:
    return study.alias_uid if view.is_sealed else study.StudyInstanceUID


def _chosen(view: View, asked: list[str]) -> list[ImagingStudy]:
    studies = {str(study.pk): study for study in view.studies()}
    if not asked:
        return list(studies.values())[::-1]
    if not set(asked) <= set(studies):
        raise Http404
    return [studies[pk] for pk in dict.fromkeys(asked)]


def page(request: HttpRequest, pk: UUID, inside: str) -> HttpResponse:
    """Every address of the viewer's own below the case file is this one page."""
    imaging_lane.remember(view_of(request.user, pk), request.session.session_key)
    try:
        known = bundle()
    except NotSetUp:
        return render(request, "viewer/not_set_up.html", status=503)
    start = {
        "address": known.address,
        "config": configuration(pk),
        "language": get_language(),
    }
    told = {"bundle": known, "start": start, "alive_url": reverse("viewer:alive", args=[pk])}
    response = render(request, "viewer/viewer.html", told)
    response["Content-Security-Policy"] = policy()
    return response


def alive(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Asked while somebody reads, so that a session does not end over an image."""
    view_of(request.user, pk)
    return HttpResponse(status=204)


def configuration(pk: UUID) -> dict[str, Any]:
    """OHIF's settings. One source: our DICOMweb of this case file. No `url=` or local sources."""
    root = reverse("dicomweb:studies", args=[pk]).removesuffix("/studies")
    return {
        "routerBasename": reverse("viewer:open", args=[pk]).rstrip("/"),
        "extensions": [],
        "modes": [],
        "customizationService": [
            {"studyBrowser.studyMode": {"$set": "all"}, "ohif.tours": {"$set": []}}
        ],
        "showStudyList": False,
        "maxNumberOfWebWorkers": 3,
        "showWarningMessageForCrossOrigin": False,
        "showLoadingIndicator": True,
        "strictZSpacingForVolumeViewport": True,
        "showErrorDetails": "production",
        "investigationalUseDialog": {"option": "always"},
        "maxNumRequests": {"interaction": 100, "thumbnail": 5, "prefetch": 25},
        "defaultDataSourceName": "casefile",
        "dataSources": [
            {
                "namespace": "@ohif/extension-default.dataSourcesModule.dicomweb",
                "sourceName": "casefile",
                "configuration": {
                    "friendlyName": "Case file",
                    "name": "casefile",
                    "qidoRoot": root,
                    "wadoRoot": root,
                    "qidoSupportsIncludeField": True,
                    "imageRendering": "wadors",
                    "thumbnailRendering": "thumbnail",
                    "thumbnailRequestStrategy": "fetch",
                    "enableStudyLazyLoad": True,
                    "supportsFuzzyMatching": False,
                    "supportsWildcard": True,
                    "singlepart": "bulkdata,video,pdf",
                    "bulkDataURI": {"enabled": True, "relativeResolution": "studies"},
                    "omitQuotationForMultipartRequest": False,
                },
            }
        ],
    }
