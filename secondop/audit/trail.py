"""The only writer of the audit trail; always called inside the caller's transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from django.db import connection, models, transaction

from secondop.audit.models import AuditEvent
from secondop.lib.canonical import canonical_json

HASHED = ("chain", "number", "verb", "actor_id", "actor_role", "on_behalf_of_id", "clinic_id",
          "case_file_id", "about_type", "about_id", "details")  # fmt: skip

# Two writers of one chain wait for each other; different chains never do. The clock is read after.
ALONE = """WITH alone AS MATERIALIZED (SELECT pg_advisory_xact_lock(hashtextextended(%s, 0)))
SELECT clock_timestamp() FROM alone"""


def hash_of(event: AuditEvent) -> str:
    """Return SHA-256 over the previous link's hash and this event's canonical content."""
    content = {name: getattr(event, name) for name in HASHED}
    content = {k: v if isinstance(v, dict | int) else str(v or "") for k, v in content.items()}
    content["at"] = event.at.isoformat(timespec="microseconds")
    return hashlib.sha256((event.previous_hash + canonical_json(content)).encode()).hexdigest()


def note(
    verb: str,
    *,
    by: Any,
    about: models.Model,
    role: str = "",
    on_behalf_of: Any = None,
    **details: Any,
) -> AuditEvent:
    """Add one event to the chain of the case file (or clinic) that `about` belongs to.

    `by` is a User, or None when the system acts. `details` are ids, counts and status words.
    """
    case_file_id, clinic_id = _belongs_to(about)
    chain = f"case_file:{case_file_id}" if case_file_id else f"clinic:{clinic_id or 'none'}"
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        cursor.execute(ALONE, [chain])
        now = cursor.fetchone()[0]
        last = AuditEvent.objects.filter(chain=chain).order_by("-number").first()
        event = AuditEvent(
            chain=chain,
            number=last.number + 1 if last else 1,
            at=now,
            verb=verb,
            actor_id=getattr(by, "pk", None),
            actor_role=role,
            on_behalf_of_id=getattr(on_behalf_of, "pk", None),
            clinic_id=clinic_id,
            case_file_id=case_file_id,
            about_type=about._meta.label_lower,
            about_id=str(about.pk),
            details=details,
            previous_hash=last.hash if last else "",
        )
        event.hash = hash_of(event)
        event.save(force_insert=True)
    return event


def _belongs_to(about: models.Model) -> tuple[Any, Any]:
    """Find the case file and clinic of a row by the field names every row of ours uses."""
    label = about._meta.model_name
    case_file_id = about.pk if label == "casefile" else getattr(about, "case_file_id", None)
    clinic_id = about.pk if label == "clinic" else getattr(about, "clinic_id", None)
    return case_file_id, clinic_id


def broken_links(*, chain: str = "") -> Iterator[tuple[AuditEvent, str]]:
    """Yield each event whose place or hash is wrong, with the word for what is wrong.

    An edited, deleted or reordered row is found; a cut tail is found by comparing the chain heads
    with a copy kept elsewhere (`manage.py verify_audit --heads`).
    """
    rows = AuditEvent.objects.order_by("chain", "number")
    previous: AuditEvent | None = None
    for event in (rows.filter(chain=chain) if chain else rows).iterator(chunk_size=2000):
        first = previous is None or previous.chain != event.chain
        expected = 1 if first or previous is None else previous.number + 1
        if event.number != expected:
            yield event, "missing"
        elif event.previous_hash != ("" if first or previous is None else previous.hash):
            yield event, "unlinked"
        elif event.hash != hash_of(event):
            yield event, "changed"
        previous = event
