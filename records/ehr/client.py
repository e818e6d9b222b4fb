"""One guarded conversation with a FHIR server: every answer is bounded, every end has a code.

SECURITY: all connections are those of `records.transfers.net`: the address is judged when it is
dialled, redirects too. PRIVACY: addresses carry numbers of patients; none is logged.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, cast
from urllib.parse import urlencode, urljoin, urlsplit

import requests

from records.models import Ehr
from records.transfers.net import failure_of, session_of
from secondop.jobs.models import PermanentFailure, TemporaryFailure

logging.getLogger("urllib3").setLevel(logging.CRITICAL + 1)  # it quotes addresses
JSON_TYPES = "application/fhir+json, application/json;q=0.9"
MAX_PAGE_BYTES = 32 * 1024**2
MAX_FILE_BYTES = 100 * 1024**2
ANSWER_SECONDS = 180.0  # of one answer, however it trickles
PAGE_SIZE = 100
ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


class SignInEnded(Exception):
    """401: the token is no good (any more)."""


class Busy(TemporaryFailure):
    """429, or 503 with a time: not before so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__("peer_busy")
        self.seconds = seconds


class NotGiven(Exception):
    """The server says no to this one question. `said`: its own words, as plain text."""

    def __init__(self, status: int, said: str = "") -> None:
        super().__init__(str(status))
        self.status, self.said = status, said

    @property
    def code(self) -> str:
        return "not_allowed" if self.status == 403 else "not_offered"


class TooLarge(Exception):
    pass


@contextmanager
def connected(ehr: Ehr, token: str = "") -> Iterator[Fhir]:
    """Whatever a connection dies of leaves as one of the two failures of a job."""
    session = session_of(cast("Any", ehr))  # what it asks of a peer, an Ehr has too
    if token:
        session.headers["Authorization"] = f"Bearer {token}"
    try:
        yield Fhir(ehr, session)
    except (requests.RequestException, OSError) as exc:
        raise failure_of(exc) from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise TemporaryFailure("answer_unreadable") from None
    finally:
        session.close()


class Fhir:
    def __init__(self, ehr: Ehr, session: requests.Session) -> None:
        self.root, self.session = ehr.address.rstrip("/"), session

    def use(self, token: str) -> None:
        self.session.headers["Authorization"] = f"Bearer {token}"

    def address(self, path: str, query: dict[str, str] | None = None) -> str:
        return f"{self.root}/{path}" + (f"?{urlencode(query)}" if query else "")

    def within(self, url: str) -> str:
        """The whole address, if it stands at the same place as the server; else "".

        SECURITY: the token goes to the place it was made for, and to no other.
        """
        whole = urljoin(f"{self.root}/", url)
        return whole if origin(whole) == origin(self.root) else ""

    def get(self, url: str) -> dict[str, Any]:
        """One resource. Raises SignInEnded, Busy, NotGiven, or a failure of the job."""
        with self._ask(url, JSON_TYPES) as answer:
            told = json.loads(body_of(answer, MAX_PAGE_BYTES))
        if not isinstance(told, dict):
            raise TemporaryFailure("answer_unreadable")
        return told

    def save(self, url: str, media_type: str, into: IO[bytes]) -> str:
        """One file, block by block. Returns its Content-Type. Raises TooLarge."""
        named = media_type if re.fullmatch(r"[\w.+-]+/[\w.+-]+", media_type) else "*/*"
        with self._ask(url, f"{named}, */*;q=0.5") as answer:
            for block in blocks(answer, MAX_FILE_BYTES):
                into.write(block)
            return str(answer.headers.get("Content-Type", ""))

    @contextmanager
    def _ask(self, url: str, accept: str) -> Iterator[requests.Response]:
        with self.session.get(url, headers={"Accept": accept}, stream=True) as answer:
            status = answer.status_code
            if status == 401:
                raise SignInEnded
            if status == 429 or (status == 503 and "Retry-After" in answer.headers):
                raise Busy(seconds_of(answer.headers.get("Retry-After", "")))
            if status >= 500:
                raise TemporaryFailure("peer_fails")
            if status != 200:
                raise NotGiven(status, outcome_of(answer))
            yield answer


def origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    port = parts.port or (443 if scheme == "https" else 80)
    return scheme, (parts.hostname or "").lower(), port


def blocks(answer: requests.Response, most: int) -> Iterator[bytes]:
    deadline, size = time.monotonic() + ANSWER_SECONDS, 0
    for block in answer.iter_content(65536):
        size += len(block)
        if size > most:
            raise TooLarge
        if time.monotonic() > deadline:
            raise TemporaryFailure("peer_hangs")
        yield block


def body_of(answer: requests.Response, most: int) -> bytes:
    try:
        return b"".join(blocks(answer, most))
    except TooLarge:
        raise PermanentFailure("answer_too_large") from None


def seconds_of(text: str) -> float:
    """Retry-After in seconds; a date or nonsense means a minute."""
    return min(float(text), 3600.0) if re.fullmatch(r"\d{1,6}", text.strip()) else 60.0


def outcome_of(answer: requests.Response) -> str:
    """The words of an OperationOutcome, as one line of plain text."""
    try:
        told = json.loads(b"".join(blocks(answer, 65536)))
        issues = told["issue"] if told.get("resourceType") == "OperationOutcome" else []
        words = [
            str(issue.get("diagnostics") or (issue.get("details") or {}).get("text") or "")
            for issue in issues
        ]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, TooLarge):
        return ""
    return plain(" · ".join(filter(None, words)))


def plain(text: str, most: int = 300) -> str:
    """PRIVACY: still the words of another system: shown to who may see the pull, never logged."""
    text = text.encode("utf-8", "replace").decode()
    text = re.sub(r"[\x00-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]+", " ", text)
    return " ".join(text.split())[:most]
