"""The commitment: what is sealed, in bytes that anyone can hash again."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from secondop.audit.models import AuditEvent
from secondop.lib.canonical import canonical_json, sha256_of
from specialists.models import Opinion, Seal
from specialists.verifying import SEAL, SEALED


def sealed_content(opinion: Opinion, *, sealed_at: datetime) -> str:
    """Return the canonical JSON of an independent opinion.

    It holds the last link of the case file's audit chain too: what had been opened before the
    seal is fixed together with what was concluded.
    """
    referral = opinion.referral
    last = (
        AuditEvent.objects.filter(chain=f"case_file:{referral.case_file_id}")
        .order_by("-number")
        .first()
    )
    content: dict[str, Any] = {
        "format": SEALED,
        "case_file": referral.opinion_request.case_file.alias,
        "referral": str(referral.pk),
        "specialist": str(referral.specialist_id),
        "sealed_at": sealed_at.isoformat(timespec="microseconds"),
        "audit": {"number": last.number, "hash": last.hash} if last else {},
        "opinion": {name: getattr(opinion, name) for name in Opinion.SEALED_FIELDS},
    }
    return canonical_json(content)


def write_seal(opinion: Opinion, *, sealed_at: datetime) -> Seal:
    content = sealed_content(opinion, sealed_at=sealed_at)
    return Seal.objects.create(
        opinion=opinion,
        clinic_id=opinion.clinic_id,
        sealed_at=sealed_at,
        content=content,
        sha256=sha256_of(content),
    )


def exported(seal: Seal) -> str:
    """Return the file a specialist takes home: what was sealed and its hash, as canonical JSON."""
    content = json.loads(seal.content)
    return canonical_json({"format": SEAL, "sealed": content, "sha256": seal.sha256})
