"""A canary in every field and file that may hold the original diagnosis: silent before the seal,
heard again after the reveal, and never in logs, mails, jobs, Redis or cache keys."""

import base64
import re

import pytest
import redis
from django.conf import settings
from django.core import mail
from django.db import transaction

from secondop.audit.models import AuditEvent
from secondop.jobs.sweep import job_models
from tests import factories as make
from tests.contracts.crawl import crawl
from tests.contracts.hiding import Secret
from tests.contracts.planting import EXEMPT, HEADERS, carriers, unplanted
from tests.contracts.worlds import build

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

CANARY = "qzcanaryx"
SECRET = Secret(f"{CANARY} lymphoma", 3, earlier=True, other_opinion=True)
OPENED = ("diagnosis", "treatment", "doctor", "hospital", "clear file name.pdf", "file name.pdf",
          "neutral wording", "withheld question", "story", "withheld message")  # fmt: skip
NEVER = ("private reason", "patient name", "phone", "address", "patient message", "proxy note",
         "reason of a change", "task outcome", "other opinion", "other summary", "other thread",
         "snapshot", "upload.pdf")  # fmt: skip


def traces(data):
    """The canary as written, backwards, in base64 and as hexadecimal digits."""
    lower = data.lower()
    forms = [CANARY, CANARY[::-1], CANARY.encode().hex()]
    found = [form for form in forms if form.encode() in lower]
    for shift in range(3):  # base64 begins at any of three places
        coded = base64.b64encode(b" " * shift + CANARY.encode())[4 if shift else 0 : -4]
        found += [coded.decode()] if coded in data else []
    return found


def tell(when, answers):
    """The figures of docs/sealed-review.md: run with -s to read them."""
    kinds = {"DICOMweb": "/dicom-web/", "viewer": "/viewer/", "everything else": ""}
    left = dict(answers)
    for kind, part in kinds.items():
        these = {key: left.pop(key) for key in list(left) if part in key[1]}
        size = sum(len(body) for _status, _headers, body in these.values())
        size += sum(len(repr(headers)) for _status, headers, _body in these.values())
        print(f"{when}, {kind}: {len(these)} answers, {size} bytes, {len(heard(these))} with it")  # noqa: T201


def heard(answers):
    return {
        key: hits
        for key, (status, headers, body) in answers.items()
        if (hits := traces(body + repr(headers).encode() + str(status).encode()))
    }


def test_the_search_finds_every_disguise():
    for text in (CANARY.upper(), CANARY[::-1], CANARY.encode().hex()):
        assert traces(f"a {text} b".encode())
    for shift in range(3):
        assert traces(base64.b64encode(b"x" * shift + CANARY.encode() + b"yyy"))
    assert not traces(b"nothing here")


def test_the_canary_is_silent_before_the_seal(
    monkeypatch, caplog, django_capture_on_commit_callbacks, run_jobs
):
    caplog.set_level("INFO")  # as in production
    with django_capture_on_commit_callbacks(execute=True):
        world = build(SECRET)
    answers = crawl(world, monkeypatch)
    tell("sealed", answers)
    assert len(answers) > 500
    assert sum("/dicom-web/" in url and a[0] == 200 for (_m, url), a in answers.items()) > 10
    assert heard(answers) == {}
    assert unplanted(CANARY) == []
    print(f"{len(carriers())} tables with private words, {len(EXEMPT)} exempt")  # noqa: T201

    run_jobs()
    letters = [m for m in mail.outbox if "example.org" in "".join(m.to)]
    assert letters
    print(f"{len(letters)} mails, {len(caplog.records)} log lines")  # noqa: T201
    for letter in letters:
        other_forms = getattr(letter, "alternatives", "")
        assert not traces(f"{letter.subject} {letter.body} {other_forms}".encode())
    ours = [r for r in caplog.records if not r.name.startswith(("django.db", "PIL"))]
    assert not traces("\n".join(record.getMessage() for record in ours).encode())
    for model in job_models():
        # Why images were taken back is a private column of such a job, told to who may see it.
        told = [f.attname for f in model._meta.concrete_fields if f.name not in private(model)]
        for row in model.objects.values(*told):
            assert not traces(repr(row).encode()), model
    for event in AuditEvent.objects.values():
        assert not traces(repr(event).encode())
    assert not traces(_everything_in_redis())


def private(model):
    return model.Privacy.private


def _everything_in_redis():
    """All keys and values: the broker's messages, the cache, the bells."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    pieces = []
    for key in client.scan_iter():
        pieces.append(key)
        kind = client.type(key)
        if kind == b"string":
            pieces.append(client.get(key) or b"")
        elif kind == b"list":
            pieces += client.lrange(key, 0, -1)
        elif kind == b"hash":
            pieces += [part for pair in client.hgetall(key).items() for part in pair]
        elif kind == b"zset":
            pieces += client.zrange(key, 0, -1)
        elif kind == b"set":
            pieces += client.smembers(key)
    return b"\n".join(pieces)


def test_after_the_reveal_it_is_heard_where_it_should_be(monkeypatch):
    with transaction.atomic():
        world = build(SECRET)
        make.revealed(world.referral)
        answers = crawl(world, monkeypatch, only="specialists:", with_images=True)
        transaction.set_rollback(True)
    text = b" ".join(body for _status, _headers, body in answers.values()).decode(errors="replace")
    words = re.sub(r"\s+", " ", text)
    tell("after the reveal", answers)
    images = [url for (_method, url) in heard(answers) if "/dicom-web/" in url]
    assert any(url.endswith("/metadata") for url in images)
    assert any("/studies?" in url for url in images)
    for header in HEADERS:
        assert SECRET(f"header {header}")[:60].rstrip() in words, header
    for place in OPENED:
        assert SECRET(place) in words, place
    for place in NEVER:
        assert SECRET(place) not in words, place
