"""The playground's own pages: the mails it would have sent, and who can sign in.

SECURITY: both answer 404 outside of a demo, and `secondop.urls` does not even include them there.
"""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from secondop.demo.people import DEMO_PEOPLE, PASSWORD

SHOWN = 60
BETWEEN_MAILS = b"\n" + b"-" * 79 + b"\n"  # written by Django's file backend


def mail(request: HttpRequest) -> HttpResponse:
    _only_in_a_demo()
    return render(request, "demo/mail.html", {"mails": list(_newest(SHOWN))})


def logins(request: HttpRequest) -> HttpResponse:
    _only_in_a_demo()
    clinics: dict[str, list[dict[str, Any]]] = {}
    for person in DEMO_PEOPLE:
        row = {"person": person, "code": person.code_now()}
        clinics.setdefault(person.clinic_name, []).append(row)
    return render(request, "demo/logins.html", {"clinics": clinics, "password": PASSWORD})


def _only_in_a_demo() -> None:
    if not settings.DEMO:
        raise Http404


def _newest(count: int) -> Iterator[dict[str, str]]:
    folder = Path(settings.EMAIL_FILE_PATH)
    files = folder.glob("*.log") if folder.is_dir() else ()
    left = count
    for path in sorted(files, key=lambda found: found.stat().st_mtime, reverse=True):
        for raw in reversed(path.read_bytes().split(BETWEEN_MAILS)):
            if raw.strip() and left:
                left -= 1
                yield _read(raw)


def _read(raw: bytes) -> dict[str, str]:
    message = email.message_from_bytes(raw.lstrip(), policy=email.policy.default)
    body = message.get_body(("plain",))
    return {
        "to": str(message["To"] or ""),
        "subject": str(message["Subject"] or ""),
        "sent": str(message["Date"] or ""),
        "text": body.get_content() if body else "",
    }
