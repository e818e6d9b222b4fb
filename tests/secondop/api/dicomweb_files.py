"""Requests and answers of DICOMweb for the tests."""

from __future__ import annotations

from email.parser import BytesParser
from typing import Any

from django.test import Client

BOUNDARY = "a-boundary"


def body_of(*files: bytes, part_type: str = "application/dicom") -> bytes:
    head = f"--{BOUNDARY}\r\nContent-Type: {part_type}\r\n\r\n".encode()
    return b"".join(head + file + b"\r\n" for file in files) + f"--{BOUNDARY}--\r\n".encode()


def root(case_file: Any) -> str:
    return f"/case-files/{case_file.pk}/dicom-web"


def stow(client: Client, case_file: Any, *files: bytes, study: str = "", **headers: str) -> Any:
    path = root(case_file) + "/studies" + (f"/{study}" if study else "")
    kind = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'
    return client.post(path, data=body_of(*files), content_type=kind, headers=headers)


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def whole(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


def parts_of(response: Any) -> list[tuple[str, bytes]]:
    """Content type and bytes of each part of a multipart answer."""
    raw = b"Content-Type: " + response["Content-Type"].encode() + b"\r\n\r\n" + whole(response)
    message = BytesParser().parsebytes(raw)
    every = message.get_payload()
    return [(part["Content-Type"], part.get_payload(decode=True)) for part in every]
