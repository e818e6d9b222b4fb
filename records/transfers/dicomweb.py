"""A peer that speaks DICOMweb. Searches by `dicomweb-client`; images as they are, byte for byte.

The client would take objects apart and put them together anew; their hashes would differ.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from dicomweb_client.web import DICOMwebClient
from urllib3.exceptions import HTTPError

from records.dicom import packs
from records.dicom.values import is_uid
from records.models import Peer
from records.transfers.net import Guarded, failure_of, session_of
from records.transfers.remote import MAX_INSTANCES, MAX_STUDIES, Found, Outgoing, Sink
from secondop.jobs.models import PermanentFailure, TemporaryFailure
from secondop.lib import multipart

# PRIVACY: addresses of searches carry names.
logging.getLogger("dicomweb_client").setLevel(logging.CRITICAL + 1)
logging.getLogger("retrying").setLevel(logging.CRITICAL + 1)  # it quotes failed addresses
logging.getLogger("urllib3").setLevel(logging.CRITICAL + 1)
PAGE = 500
MAX_OBJECT_BYTES = 4 * 1024**3
ACCEPT = 'multipart/related; type="application/dicom"; transfer-syntax=*'
STUDY_FIELDS = ["PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate",
                "StudyDescription", "ModalitiesInStudy", "AccessionNumber",
                "NumberOfStudyRelatedInstances"]  # fmt: skip


@contextmanager
def connected(peer: Peer) -> Iterator[Web]:
    """Whatever a connection dies of leaves as one of the two failures of a job."""
    session = session_of(peer, Legible)
    try:
        yield Web(peer, session)
    except (requests.RequestException, HTTPError, OSError) as exc:
        raise failure_of(exc) from None
    except multipart.Malformed:
        raise TemporaryFailure("answer_cut_off") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise TemporaryFailure("answer_unreadable") from None
    finally:
        session.close()


class Legible(Guarded):
    """Leaves "*" as it is in a search, which RFC 3986 permits: Orthanc 1.10 decodes nothing."""

    def send(self, request: Any, stream: bool = False, **more: Any) -> requests.Response:  # type: ignore[override]
        path, mark, query = request.url.partition("?")
        request.url = path + mark + query.replace("%2A", "*").replace("+", "%20")
        return super().send(request, stream=stream, **more)


class Web:
    def __init__(self, peer: Peer, session: requests.Session) -> None:
        self._root, self._session = peer.address.rstrip("/"), session
        self._client = DICOMwebClient(url=self._root, session=session)
        self._client.set_http_retry_params(retry=False)

    def studies(self, query: dict[str, str]) -> list[Found]:
        rows = self._client.search_for_studies(
            limit=MAX_STUDIES, search_filters=query, fields=STUDY_FIELDS
        )
        return [found for row in rows[:MAX_STUDIES] if (found := _found(row))]

    def instances(self, study: str) -> dict[str, set[str]]:
        """Page by page. A peer that answers the same page for ever is left at its second answer."""
        series_of: dict[str, str] = {}
        while True:
            before = len(series_of)
            rows = self._client.search_for_instances(study, limit=PAGE, offset=before)
            for row in rows:
                uid, series = _text(row, "00080018"), _text(row, "0020000E")
                if is_uid(uid) and is_uid(series):
                    series_of[uid] = series
            if len(series_of) > MAX_INSTANCES:
                raise PermanentFailure("study_too_large")
            if not rows or len(series_of) == before:
                break
        told: dict[str, set[str]] = {}
        for uid, series in series_of.items():
            told.setdefault(series, set()).add(uid)
        return told

    def fetch(self, study: str, series: str, uids: set[str] | None, sink: Sink) -> None:
        root = f"{self._root}/studies/{study}/series/{series}"
        for path in [root] if uids is None else [f"{root}/instances/{u}" for u in sorted(uids)]:
            self._take(path, sink)

    def _take(self, url: str, sink: Sink) -> None:
        with self._session.get(url, headers={"Accept": ACCEPT}, stream=True) as answer:
            answer.raise_for_status()
            content_type = answer.headers.get("Content-Type", "")
            if not content_type.lower().startswith("multipart/related"):
                raise PermanentFailure("peer_cannot")
            answer.raw.decode_content = True
            multipart.feed(answer.raw, multipart.boundary_of(content_type), _Parts(sink))

    def send(self, objects: list[Outgoing]) -> Iterator[tuple[str, str]]:
        """One STOW-RS request; its body is read from the packs while it goes out."""
        boundary = secrets.token_hex(16)
        body = _Body(objects, boundary)
        kind = f'multipart/related; type="application/dicom"; boundary={boundary}'
        headers = {"Content-Type": kind, "Accept": "application/dicom+json"}
        answer = self._session.post(f"{self._root}/studies", data=body, headers=headers)
        if answer.status_code not in (200, 202, 409):
            answer.raise_for_status()
        told: dict[str, Any] = answer.json()
        stored = {_text(row, "00081155") for row in told.get("00081199", {}).get("Value", [])}
        for one in objects:
            yield one.uid, "" if one.uid in stored else "refused_there"


class _Parts:
    def __init__(self, sink: Sink) -> None:
        self._sink, self._size = sink, 0

    def begin(self, headers: str) -> None:
        self._size = 0
        self._sink.begin()

    def write(self, block: bytes) -> None:
        self._size += len(block)
        if self._size > MAX_OBJECT_BYTES:
            raise PermanentFailure("object_too_large")
        self._sink.write(block)

    def finish(self) -> None:
        self._sink.finish()


class _Body:
    """The parts of a STOW request, of a length known before."""

    def __init__(self, objects: list[Outgoing], boundary: str) -> None:
        self._objects = objects
        self._head = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
        self._end = f"--{boundary}--\r\n".encode()

    def __len__(self) -> int:
        parts = sum(len(self._head) + one.size_bytes + 2 for one in self._objects)
        return parts + len(self._end)

    def __iter__(self) -> Iterator[bytes]:
        for one in self._objects:
            yield self._head
            yield from packs.blocks(one.key, one.offset, one.size_bytes)
            yield b"\r\n"
        yield self._end


def _text(row: Any, tag: str) -> str:
    """The first value of an attribute of DICOM JSON, as text."""
    value = (row.get(tag, {}).get("Value") or [""])[0]
    if isinstance(value, dict):
        value = value.get("Alphabetic") or value.get("Ideographic") or ""
    return str(value or "")[:200]


def _found(row: Any) -> Found | None:
    uid = _text(row, "0020000D")
    if not is_uid(uid):
        return None
    count = _text(row, "00201208")
    return Found(
        uid,
        {"name": _text(row, "00100010"), "born": _text(row, "00100030"),
         "sex": _text(row, "00100040"), "id": _text(row, "00100020")},
        {"date": _text(row, "00080020"), "description": _text(row, "00081030"),
         "accession": _text(row, "00080050"),
         "modalities": [str(m)[:16] for m in row.get("00080061", {}).get("Value", [])][:10]},
        int(count) if count.isdecimal() else 0,
    )  # fmt: skip
