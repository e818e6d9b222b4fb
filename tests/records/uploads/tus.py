"""Speaking tus to the application's own URLs."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO

from django.test import Client
from django.urls import reverse

from records.models import Document

TUS = {"Tus-Resumable": "1.0.0"}


def create(client: Client, opinion_request, size: int, *, name: str = "letter.pdf", **told: str):
    pairs = {"filename": name} | told
    metadata = ",".join(f"{k} {b64encode(v.encode()).decode()}" for k, v in pairs.items())
    url = reverse("records:upload_create", args=[opinion_request.case_file_id])
    headers = TUS | {"Upload-Length": str(size), "Upload-Metadata": metadata}
    return client.post(url, headers=headers, content_type="application/x-none")


def patch(client: Client, url: str, body: bytes, offset: int, **headers: str):
    return client.patch(
        url,
        body,
        content_type="application/offset+octet-stream",
        headers=TUS | {"Upload-Offset": str(offset)} | headers,
    )


def offset_at(client: Client, url: str) -> int:
    return int(client.head(url, headers=TUS)["Upload-Offset"])


def send(client: Client, opinion_request, content: bytes, **options: str) -> Document:
    url = create(client, opinion_request, len(content), **options)["Location"]
    assert patch(client, url, content, 0).status_code == 204
    return (
        Document.objects.order_by("-received_at", "-pk")
        .filter(case_file=opinion_request.case_file_id, status="screening")
        .first()
    )


class Cut:
    """A sender whose connection ends, or breaks, after some bytes."""

    def __init__(self, content: bytes, *, breaks: bool = False) -> None:
        self.rest, self.breaks = BytesIO(content), breaks

    def read(self, size: int) -> bytes:
        block = self.rest.read(min(size, 700))
        if not block and self.breaks:
            raise ConnectionResetError
        return block
