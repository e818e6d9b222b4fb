"""QIDO-RS: what is here. Source: PS3.18 section 10.6. Each answer is of one case file alone."""

from __future__ import annotations

import json
from uuid import UUID

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt

from records import imaging_lane
from records.dicom.values import Attributes, text
from records.imaging import View, view_of
from records.models import ImagingSeries, ImagingStudy
from secondop.api.dicomweb import accept, measurements, query
from secondop.api.dicomweb.answers import dicom_json, edge
from secondop.api.dicomweb.store import store

STUDY = {"00080005", "00080020", "00080030", "00080050", "00080056", "00080061", "00080090",
         "00081190", "00100010", "00100020", "00100030", "00100040", "0020000D", "00200010",
         "00201206", "00201208"}  # fmt: skip
SERIES = {"00080005", "00080056", "00080060", "0008103E", "00081190", "0020000D", "0020000E",
          "00200011", "00201209", "00400244", "00400245", "00400275"}  # fmt: skip
INSTANCE = {"00080005", "00080016", "00080018", "00080056", "00081190", "0020000D", "0020000E",
            "00083002", "00200013", "00280008", "00280010", "00280011", "00280100"}  # fmt: skip
UTF8 = {"vr": "CS", "Value": ["ISO_IR 192"]}
ONLINE = {"vr": "CS", "Value": ["ONLINE"]}


@csrf_exempt  # see `store`
@transaction.non_atomic_requests
def studies(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """GET searches, POST stores."""
    return store(request, pk) if request.method == "POST" else _search_studies(request, pk)


@edge
def _search_studies(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    return tell_studies(request, _view(request, pk))


@edge
def series(request: HttpRequest, pk: UUID, study: str = "") -> HttpResponseBase:
    """The series of a study, or of the case file."""
    return tell_series(request, _view(request, pk), study)


@edge
def instances(
    request: HttpRequest, pk: UUID, study: str = "", series: str = ""
) -> HttpResponseBase:
    """The instances of a series, of a study, or of the case file."""
    return tell_instances(request, _view(request, pk), study, series)


def _view(request: HttpRequest, pk: UUID) -> View:
    view = view_of(request.user, pk)
    imaging_lane.remember(view, request.session.session_key)
    return view


# The answers to somebody whose view of the case file is known.
def tell_studies(request: HttpRequest, view: View) -> HttpResponseBase:
    pk, asked, rows = view.case_file.pk, _query(request), view.told_studies()
    for row in rows:
        _tell(row, f"{_root(pk)}/{text(row, '0020000D')}")
    return _found(query.answer(rows, asked, STUDY), asked, len(rows))


def tell_series(request: HttpRequest, view: View, study: str) -> HttpResponseBase:
    pk, asked = view.case_file.pk, _query(request)
    rows = [row for one in _studies(view, study) for row in _series_rows(view, pk, one)]
    return _found(query.answer(rows, asked, SERIES), asked, len(rows))


def tell_instances(request: HttpRequest, view: View, study: str, series: str) -> HttpResponseBase:
    pk, asked = view.case_file.pk, _query(request)
    if series:
        try:
            found = [view.one_series(study, series)]
        except Http404:
            saved = measurements.instance_rows(view, study, series)
            return _found(query.answer(saved, asked, INSTANCE), asked, len(saved))
    else:
        found = [s for one in _studies(view, study) for s in view.series().filter(study=one)]
    if len(found) == 1 and not (asked.matches or asked.include or asked.include_all):
        return _plain(view, pk, found[0], asked)
    rows: list[Attributes] = []
    for one in found:
        for line in view.told_instances(one):
            row = json.loads(line) | _names(view, one)
            _tell(row, _address(pk, row) + f"/instances/{text(row, '00080018')}")
            rows.append(row)
    return _found(query.answer(rows, asked, INSTANCE), asked, len(rows))


def _plain(view: View, pk: UUID, series: ImagingSeries, asked: query.Query) -> HttpResponse:
    """Nothing is asked of the rows: their stored text is joined, never parsed."""
    names = _names(view, series)
    address = _address(pk, names)
    lines = view.told_instances(series)
    common = json.dumps({"00080005": UTF8, "00080056": ONLINE, **names})[1:-1]
    uid_of = '"00080018": {' if view.is_sealed else '"00080018":{'
    told = []
    for line in lines[asked.offset : asked.offset + asked.limit]:
        at = line.index(uid_of)
        uid = line[line.index("[", at) + 2 : line.index("]", at) - 1]
        url = f'"00081190":{{"vr":"UR","Value":["{address}/instances/{uid}"]}}'
        told.append(f"{{{common},{url},{line[1:]}")
    return _paged(dicom_json("[" + ",".join(told) + "]"), asked, len(lines))


def _query(request: HttpRequest) -> query.Query:
    accept.choose(request, accept.DICOM_JSON, "application/json")
    return query.parse(request.GET)


def _studies(view: View, study: str) -> list[ImagingStudy]:
    return [view.study(study)] if study else list(view.studies())


def _series_rows(view: View, pk: UUID, study: ImagingStudy) -> list[Attributes]:
    rows = view.told_series(study) + measurements.series_rows(view, study.pk)
    for row in rows:
        _tell(row, _address(pk, row))
    return rows


def _root(pk: UUID) -> str:
    return reverse("dicomweb:studies", args=[pk])


def _address(pk: UUID, row: Attributes) -> str:
    return f"{_root(pk)}/{text(row, '0020000D')}/series/{text(row, '0020000E')}"


def _names(view: View, series: ImagingSeries) -> Attributes:
    study = series.study
    if view.is_sealed:
        uids = study.alias_uid, series.alias_uid
    else:
        uids = study.StudyInstanceUID, series.SeriesInstanceUID
    return {
        "0020000D": {"vr": "UI", "Value": [uids[0]]},
        "0020000E": {"vr": "UI", "Value": [uids[1]]},
    }


def _tell(row: Attributes, url: str) -> None:
    row["00080005"], row["00080056"] = UTF8, ONLINE
    row["00081190"] = {"vr": "UR", "Value": [url]}


def _found(rows: list[Attributes], asked: query.Query, total: int) -> HttpResponse:
    return _paged(dicom_json(json.dumps(rows)), asked, total)


def _paged(response: HttpResponse, asked: query.Query, total: int) -> HttpResponse:
    if asked.is_fuzzy:
        response["Warning"] = '299 secondop "Fuzzy matching is not supported; matched literally."'
    elif not asked.matches and total > asked.offset + asked.limit:
        response["Warning"] = '299 secondop "There are more results."'
    return response
