"""What was allowed a moment ago: caches, ranges and short ways, after the access has ended.

A browser or a script kept every address, ETag and redirect of a sealed (or full) reader. Once the
coordinator withholds, or the grant ends, none of them gets a byte, a "not modified" or a range.
"""

from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models.functions import Now
from django.urls import reverse

from records import grants
from records.models import AccessGrant, Document, DocumentPage, ImagingSeries
from requests_app import deciding
from requests_app.desk_items import desk_of
from requests_app.models import DeskDecision
from specialists import workflow
from tests import factories as make
from tests.records.dicom.samples import as_bytes, clear, ct, store
from tests.secondop.api.dicomweb_files import every_answer, signed_in, whole

pytestmark = pytest.mark.django_db
About = DeskDecision.About
FUTURE = "Fri, 01 Jan 2100 00:00:00 GMT"


@pytest.fixture
def case():
    """In review, sealed: a document with a page, a study of two cleared slices."""
    case = make.opinion_request_at("in_review")
    paper = case.case_file.documents.get()
    DocumentPage.objects.create(
        clinic=case.clinic, case_file=case.case_file, document=paper, number=1, width=600,
        height=800, key=paper.key, size_bytes=paper.size_bytes, media_type="image/png",
        text="Haemoglobin 13.1",
    )  # fmt: skip
    stored = store(case.case_file, as_bytes(ct(1)), as_bytes(ct(2)))
    assert [one.problem for one in stored] == ["", ""]
    clear(case.case_file)
    return case


def reader_of(case):
    return case.referrals.get().specialist.user


def addresses(case, client):
    """Every address that answers this reader now, with its ETag; each asked twice (short ways)."""
    paper = case.case_file.documents.get()
    review = reverse("specialists:case_file", args=[case.referrals.get().pk])
    urls = [
        reverse("records:document", args=[paper.pk]),
        reverse("records:page_image", args=[paper.pk, 1]),
        reverse("records:download", args=[paper.pk]),
        reverse("records:images", args=[case.case_file_id]),
        f"{review}?document={paper.pk}",
    ]
    answers = [client.get(url) for url in urls]
    answers += every_answer(client, case.case_file)
    found = {}
    for answer in answers:
        asked = answer.request
        url = f"{asked['PATH_INFO']}?{asked['QUERY_STRING']}".rstrip("?")
        again, size = client.get(url), len(whole(answer))
        assert whole(again) is not None and again.status_code == answer.status_code, url
        if answer.status_code == 200 and size:
            found[url] = answer.headers.get("ETag", '"none"')
    return found


def conditional(etag):
    yield {}
    for value in (etag, f"W/{etag}", "*", f'"x", {etag}'):
        yield {"If-None-Match": value}
    yield {"If-Match": etag}
    yield {"If-Modified-Since": FUTURE, "If-Unmodified-Since": FUTURE}
    yield {"Range": "bytes=0-9"}
    yield {"Range": "bytes=0-9", "If-Range": etag}
    yield {"Range": "bytes=99999999-", "If-Range": FUTURE}


def is_nothing(answer):
    """Not there; a list without anything in it; or the sentence that the review has ended."""
    body, is_get = whole(answer), answer.request["REQUEST_METHOD"] == "GET"
    if answer.status_code in (200, 204):
        is_list = answer.request["PATH_INFO"].endswith("/studies") and "ETag" not in answer.headers
        return is_list and body.strip() in (b"", b"[]")
    if answer.status_code == 409:
        return b"review has ended" in body or not is_get
    return answer.status_code == 404


def given_anyway(client, kept, *, is_all=False):
    """What still answers, of all that was kept."""
    found = []
    for url, etag in kept.items():
        ways = list(conditional(etag))
        asked = [(client.get, sent) for sent in (ways if is_all else ways[:2] + ways[-2:-1])]
        for ask, sent in asked + ([(client.head, ways[1])] if is_all else []):
            answer = ask(url, headers=sent)
            if "X-Accel-Redirect" in answer.headers or not is_nothing(answer):
                found.append((answer.request["REQUEST_METHOD"], url, sent, answer.status_code))
    return found


@contextmanager
def undone():
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def withhold_all(case):
    by = make.coordinator(case.clinic)
    for item in list(desk_of(case).items):
        if item.about in (About.DOCUMENT, About.SERIES):
            current = desk_of(case).find(item.key)
            deciding.decide(case, item.key, choice="withhold", seen=current.seen, by=by)
    assert not ImagingSeries.objects.filter(blinding_class="clear").exists()
    assert not Document.objects.filter(blinding_class="clear").exists()


ENDS = {
    "expired": lambda case: AccessGrant.objects.update(until=Now() - timedelta(days=1)),
    "revoked": lambda case: grants.revoke(case.case_file, to=reader_of(case), by=None),
    "recalled": lambda case: workflow.recall(
        case.referrals.get(), by=make.coordinator(case.clinic)
    ),
    "left the clinic": lambda case: reader_of(case).memberships.update(ended_at=Now()),
}


def test_nothing_is_given_after_it_was_withheld(case):
    """Undo takes effect on every address, whatever a cache says it knows already."""
    client = signed_in(reader_of(case))
    kept = addresses(case, client)
    assert len(kept) > 15 and sum(etag != '"none"' for etag in kept.values()) >= 5
    assert not any(url.endswith("/file/") for url in kept)
    images = reverse("records:images", args=[case.case_file_id])
    names = {url.split("/series/")[1].split("/")[0] for url in kept if "/series/" in url}
    assert len(names) == 1 and any(name in client.get(images).content.decode() for name in names)
    withhold_all(case)
    page = client.get(images, headers={"If-None-Match": kept.pop(images)})  # there, and empty
    assert page.status_code == 200
    assert not any(name in page.content.decode() for name in names)
    assert given_anyway(client, kept, is_all=True) == []


def test_nothing_is_given_after_the_access_ended(case):
    client = signed_in(reader_of(case))
    kept = addresses(case, client)
    for how, end in ENDS.items():
        with undone():
            end(case)
            assert given_anyway(client, kept) == [], how
    assert {url for _method, url, *_rest in given_anyway(client, kept)} == set(kept)  # it can see


def test_nothing_is_given_to_a_reader_whose_full_sight_ended(case):
    make.revealed(case.referrals.get())
    client = signed_in(reader_of(case))
    kept = addresses(case, client)
    assert any(url.endswith("/file/") for url in kept)
    workflow.recall(case.referrals.get(), by=make.coordinator(case.clinic))
    assert given_anyway(client, kept) == []


def test_a_session_that_ended_gets_no_frame_by_the_short_way(case):
    client = signed_in(reader_of(case))
    kept = {url: etag for url, etag in addresses(case, client).items() if "dicom-web" in url}
    Session.objects.all().delete()
    for url, etag in kept.items():
        answer = client.get(url, headers={"If-None-Match": etag})
        assert answer.status_code in (302, 401, 403), url


def test_an_address_minted_for_the_proxy_is_for_the_proxy_alone(case, settings):
    """The application orders the proxy to send bytes; the order opens nothing by itself."""
    settings.ACCEL_REDIRECT_PREFIX = settings.ACCEL_RANGES_PREFIX = "/private-bytes/"
    client = signed_in(reader_of(case))
    kept = addresses_by_proxy(case, client)
    assert len(kept) >= 2
    for order in kept.values():
        assert client.get(order).status_code in (403, 404), order
    withhold_all(case)
    for url in kept:
        answer = client.get(url)
        assert answer.status_code == 404 and "X-Accel-Redirect" not in answer.headers


def addresses_by_proxy(case, client):
    paper = case.case_file.documents.get()
    urls = [reverse("records:page_image", args=[paper.pk, 1])]
    for answer in every_answer(client, case.case_file):
        assert whole(answer) is not None
        urls.append(answer.request["PATH_INFO"])
    answers = {url: client.get(url) for url in urls}
    assert all(whole(answer) is not None for answer in answers.values())
    ordered = "X-Accel-Redirect"
    return {url: a.headers[ordered] for url, a in answers.items() if ordered in a.headers}
