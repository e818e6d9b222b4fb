"""Requests and answers of DICOMweb for the tests."""

from __future__ import annotations

from datetime import timedelta
from email.parser import BytesParser
from typing import Any

from django.test import Client
from django.utils import timezone

from records import grants

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


def granted(case_file, user, sight):
    until = timezone.now() + timedelta(days=2)
    grants.grant(case_file, to=user, as_role="specialist", sight=sight, until=until, by=None)


def every_answer(client, case_file):
    """Walk what a sealed reader can reach and yield each body."""
    base = root(case_file)
    studies = client.get(base + "/studies?includefield=all")
    yield studies
    for study in studies.json():
        one = f"{base}/studies/{study['0020000D']['Value'][0]}"
        for end in ("/metadata", "", "/instances?includefield=all"):
            yield client.get(one + end)
        series_answer = client.get(one + "/series?includefield=all")
        yield series_answer
        for series in series_answer.json():
            path = f"{one}/series/{series['0020000E']['Value'][0]}"
            for end in ("/metadata", "", "/thumbnail"):
                yield client.get(path + end)
            instances = client.get(path + "/instances")
            yield instances
            for instance in instances.json():
                at = f"{path}/instances/{instance['00080018']['Value'][0]}"
                for end in ("", "/metadata", "/frames/1", "/rendered", "/bulkdata/00081140"):
                    yield client.get(at + end)
