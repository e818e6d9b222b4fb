"""Before the session is read: what a viewer asks for, the short way of `records.imaging_lane`."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from records import imaging_lane
from records.dicom import thumbnails
from secondop.api.dicomweb import accept
from secondop.api.dicomweb.answers import edge
from secondop.api.dicomweb.frame_answers import JPEG, frame_answer, picture_answer
from secondop.api.dicomweb.retrieve import tell_series_metadata
from secondop.api.dicomweb.search import tell_instances, tell_series, tell_studies
from secondop.lib import second_wall

_UID = "[0-9A-Za-z.-]{1,64}"
WANTED = re.compile(
    r"/case-files/(?P<pk>[0-9a-f-]{36})/dicom-web/studies"
    rf"(?:/(?P<study>{_UID})/series(?:/(?P<series>{_UID})/"
    r"(?:(?P<what>metadata|instances|thumbnail)|"
    rf"instances/(?P<instance>{_UID})/frames/(?P<number>[0-9]{{1,7}})))?)?"
)


class often_asked_by_the_short_way:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        wanted = WANTED.fullmatch(request.path_info)
        session = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
        if not wanted or not session or request.method != "GET":
            return self.get_response(request)
        try:
            case_file = UUID(wanted["pk"])
        except ValueError:
            return self.get_response(request)
        answer = _frame if wanted["number"] else _told
        if wanted["what"] == "thumbnail":
            answer = _picture
        return answer(request, session, case_file, wanted) or self.get_response(request)


def _frame(
    request: HttpRequest, session: str, case_file: UUID, wanted: re.Match[str]
) -> HttpResponseBase | None:
    names = {name: wanted[name] for name in ("study", "series", "instance")}
    found = imaging_lane.find(session, case_file, names, int(wanted["number"]))
    return _answer_frame(request, found) if found else None


def _picture(
    request: HttpRequest, session: str, case_file: UUID, wanted: re.Match[str]
) -> HttpResponseBase | None:
    if "viewport" in request.GET:
        return None
    names = wanted["study"], wanted["series"]
    found = imaging_lane.find_picture(session, case_file, *names, thumbnails.EDGE)
    return _answer_picture(request, found) if found else None


@edge
def _answer_picture(request: HttpRequest, found: imaging_lane.FoundPicture) -> HttpResponseBase:
    accept.choose(request, JPEG)
    return picture_answer(request, found.picture, found.key, found.size_bytes)


def _told(
    request: HttpRequest, session: str, case_file: UUID, wanted: re.Match[str]
) -> HttpResponseBase | None:
    view = imaging_lane.view(session, case_file)
    if not view:
        return None
    second_wall.stand_before(str(view.user.pk))
    if wanted["series"]:
        tell = tell_series_metadata if wanted["what"] == "metadata" else tell_instances
        return edge(tell)(request, view, wanted["study"], wanted["series"])
    if wanted["study"]:
        return edge(tell_series)(request, view, wanted["study"])
    return edge(tell_studies)(request, view)


@edge
def _answer_frame(request: HttpRequest, found: imaging_lane.Found) -> HttpResponseBase:
    place = found.offset, found.length
    return frame_answer(
        request, found.instance, found.key, found.transfer_syntax, place, is_sealed=found.is_sealed
    )
