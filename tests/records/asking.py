"""Worlds of record requests: a holder, an ask at a state, the door's client. For tests only."""

from __future__ import annotations

from django.test import Client

from records import authorizations, holder_links, record_requests
from records.models import Authorization, HolderLink, RecordHolder, RecordRequest
from records.record_requests import Item
from tests import factories

ITEMS = [
    Item("imaging", "MRI of the left breast", "both"),
    Item("pathology", "Report of the biopsy", "reports"),
]


def collecting(clinic=None, **fields):
    return factories.opinion_request_at("collecting", clinic, **fields)


def holder_of(opinion_request, *, by=None, **fields) -> RecordHolder:
    by = by or factories.coordinator(opinion_request.clinic)
    given = {"name": "Lakeside Imaging", "country": "US", "email": "records@lakeside.example",
             "kind": "imaging"} | fields  # fmt: skip
    return record_requests.name_holder(opinion_request.case_file, by=by, **given)


def drafted(opinion_request=None, *, holder=None, by=None, **fields) -> RecordRequest:
    opinion_request = opinion_request or collecting()
    by = by or factories.coordinator(opinion_request.clinic)
    holder = holder or holder_of(opinion_request, by=by, **fields)
    return record_requests.ask(holder, ITEMS, by=by)


def paper_of(record_request) -> Authorization:
    return record_request.authorizations.latest("offered_at")


def signed(record_request, *, tells_first_doctor=False) -> RecordRequest:
    patient = record_request.case_file.patient
    authorizations.sign(
        paper_of(record_request), name=patient.full_name, tells_first_doctor=tells_first_doctor,
        from_ip="192.0.2.7", by=patient.user,
    )  # fmt: skip
    return again(record_request)


def sent(opinion_request=None, *, channel="email", **fields) -> RecordRequest:
    record_request = signed(drafted(opinion_request, **fields))
    return record_requests.send(record_request, channel=channel, by=record_request.created_by)


def again(row):
    return type(row)._default_manager.get(pk=row.pk)


def link_of(record_request) -> HolderLink:
    return record_request.links.get(revoked_at=None)


def at_the_door(record_request, **options) -> Client:
    """A browser that opened the link."""
    client = Client(**options)
    answer = client.get(f"/door/{holder_links.code_of(link_of(record_request))}/")
    assert answer.status_code == 302
    assert answer.url == "/door/"
    return client
