"""An independent client of the protocol (tuspy) against the running application."""

from __future__ import annotations

import hashlib
from io import BytesIO

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from tusclient.client import TusClient

from records.models import Document
from tests import factories
from tests.records import files


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("checksum", [False, True])
def test_tuspy_sends_a_file_and_goes_on_after_a_stop(live_server, checksum: bool):
    opinion_request = factories.draft()
    browser = Client()
    browser.force_login(opinion_request.started_by)
    browser.get("/")
    token = "a" * 32
    cookies = {
        settings.SESSION_COOKIE_NAME: browser.cookies[settings.SESSION_COOKIE_NAME].value,
        settings.CSRF_COOKIE_NAME: token,
    }
    client = TusClient(
        live_server.url + reverse("records:upload_create", args=[opinion_request.case_file_id]),
        headers={
            "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
            "X-CSRFToken": token,
        },
    )
    content = bytes(range(256)) * 8192
    options = {"chunk_size": 300_000, "upload_checksum": checksum}
    first = client.uploader(
        file_stream=BytesIO(content), metadata={"filename": "scan.pdf"}, **options
    )
    for _ in range(3):
        first.upload_chunk()
    again = client.uploader(file_stream=BytesIO(content), url=first.url, **options)
    assert again.offset == 900_000
    again.upload()
    document = Document.objects.get(case_file=opinion_request.case_file, status="screening")
    assert document.name.file_name == "scan.pdf"
    stored = files.stored(document.key)
    assert hashlib.sha256(stored).digest() == hashlib.sha256(content).digest()
