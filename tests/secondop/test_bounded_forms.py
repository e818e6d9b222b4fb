"""A form that is too large is refused before a byte of it is read, for anybody and on any route."""

from __future__ import annotations

from io import RawIOBase

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from records.models import Document
from tests.factories import draft
from tests.records import files

pytestmark = pytest.mark.django_db
MB = 1024**2
MULTIPART = "multipart/form-data; boundary=border"
HEAD = b'--border\r\nContent-Disposition: form-data; name="files"; filename="a.pdf"\r\n\r\n'


class Body(RawIOBase):
    """A form with one file of zeros, made as it is read; it counts what was taken."""

    def __init__(self, size: int) -> None:
        self.size, self.taken = size, 0

    def read(self, size: int = -1) -> bytes:
        wanted = min(size if size >= 0 else self.size, self.size - self.taken)
        piece = (HEAD[self.taken :] + b"\0" * wanted)[:wanted]
        self.taken += wanted
        return piece


@pytest.fixture
def browser():
    client = Client(enforce_csrf_checks=True)  # with a cookie, so that the check reads the form
    client.cookies[settings.CSRF_COOKIE_NAME] = "c" * 32
    return client


def send(browser, path, body, *, length=True, accept="text/html", content_type=MULTIPART):
    size = {"CONTENT_LENGTH": str(body.size)} if length else {"HTTP_TRANSFER_ENCODING": "chunked"}
    extra = {"wsgi.input": body, "HTTP_ACCEPT": accept} | size
    return browser.generic("POST", path, b"x", content_type, **extra)


def upload_form():
    it = draft()
    return it, reverse("records:upload_simple", args=[it.case_file_id])


class TestBound:
    @pytest.mark.parametrize("name", ["pages:language", "requests:start"])
    @pytest.mark.parametrize("kind", [MULTIPART, "application/x-www-form-urlencoded"])
    def test_a_large_form_is_not_read(self, browser, name, kind):
        body = Body(300 * MB)
        answer = send(browser, reverse(name), body, content_type=kind)
        assert answer.status_code == 413 and body.taken == 0
        assert "That is too large" in answer.content.decode()

    def test_a_script_gets_the_sentence_as_json(self, browser):
        answer = send(browser, reverse("pages:language"), Body(6 * MB), accept="application/json")
        assert answer.status_code == 413 and "Send less at once" in answer.json()["message"]

    def test_a_form_without_a_size_is_not_read(self, browser):
        body = Body(6 * MB)
        answer = send(browser, reverse("pages:language"), body, length=False)
        assert answer.status_code == 411 and body.taken == 0

    def test_a_form_below_the_bound_is_read_and_judged_by_the_next(self, browser):
        body = Body(4 * MB)
        assert send(browser, reverse("pages:language"), body).status_code == 403  # no CSRF token
        assert body.taken == body.size


class TestUploadForm:
    def test_a_stranger_may_not_send_a_large_one(self, browser):
        _it, path = upload_form()
        body = Body(300 * MB)
        assert send(browser, path, body).status_code == 413 and body.taken == 0

    def test_a_file_of_6_mb_is_taken_from_its_patient(self, client):
        it, path = upload_form()
        client.force_login(it.started_by)
        sent = SimpleUploadedFile("a.pdf", files.pdf() + b"%" + b" " * (6 * MB))
        assert client.post(path, {"files": [sent]}).status_code == 302
        assert Document.objects.filter(size_bytes__gt=6 * MB).count() == 1

    def test_more_than_the_largest_document_is_not_read(self, browser, settings):
        settings.MAX_DOCUMENT_BYTES = 6 * MB
        it, path = upload_form()
        browser.force_login(it.started_by)
        body = Body(8 * MB)
        assert send(browser, path, body).status_code == 413 and body.taken == 0
        body = Body(7 * MB)
        assert send(browser, path, body).status_code == 403 and body.taken == body.size
