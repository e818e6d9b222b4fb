"""What a report can prove about its sealed review, read from the audit trail and the seal alone."""

from __future__ import annotations

import json
from typing import Any

from records.models import Document
from secondop.audit.models import AuditEvent
from specialists.models import Opinion, Referral
from specialists.rules import seal_is_intact

OPENED = ("document.opened", "document.downloaded")
IMAGES = "imaging.opened"
MESSAGE = "message.opened"
STEPS = ("opinion.sealed", "opinion.revealed", "opinion.seal_broken", "opinion.revised",
         "opinions.shown", "opinion.signed")  # fmt: skip


def opened_documents(referral: Referral, *, until: int | None = None) -> dict[str, int]:
    """Return document ids that the specialist opened, with the number of the first event.

    `until` is the number of the audit event that the seal names as the last one before it.
    """
    events = AuditEvent.objects.filter(
        case_file_id=referral.case_file_id,
        actor_id=referral.specialist.user_id,
        verb__in=OPENED,
        about_type=Document._meta.label_lower,
    )
    if until is not None:
        events = events.filter(number__lte=until)
    first: dict[str, int] = {}
    for about_id, number in events.order_by("number").values_list("about_id", "number"):
        first.setdefault(about_id, number)
    return first


def blinding_statement(referral: Referral, numbers: dict[str, int]) -> dict[str, Any]:
    """Return the statement printed on the report, as plain JSON values.

    `numbers` gives the number of each document in the report's list.
    """
    opinion = referral.opinion
    opened = opened_documents(referral)
    statement: dict[str, Any] = {
        "mode": referral.review_mode,
        "taken_at": _iso(referral.taken_at),
        "opened": sorted(numbers[pk] for pk in opened if pk in numbers),
        "seal_broken_at": _iso(opinion.seal_broken_at),
        "seal_broken_reason": opinion.seal_broken_reason,
        "revealed_at": _iso(opinion.revealed_at),
        "changed_after": opinion.revisions.count(),
        "trail": trail_of(referral, numbers),
        "seal": {},
    }
    if seal := getattr(opinion, "seal", None):
        content = json.loads(seal.content)
        last = content.get("audit", {}).get("number", 0)
        before = opened_documents(referral, until=last)
        statement |= {
            "seal": {"sealed": content, "sha256": seal.sha256},
            "messages_before": len(_numbers_of(statement["trail"], MESSAGE, until=last)),
            "messages_withheld_too_late": _withheld_too_late(referral, until=last),
            "images_before": len(
                {event["images"] for event in statement["trail"] if event["number"] <= last} - {""}
            ),
            "sealed_at": _iso(seal.sealed_at),
            "sha256": seal.sha256,
            "is_intact": seal_is_intact(opinion),
            "audit_number": last,
            "audit_hash": content.get("audit", {}).get("hash", ""),
            "opened_before": sorted(numbers[pk] for pk in before if pk in numbers),
            "opened_after": sorted(
                numbers[pk] for pk in opened if pk in numbers and pk not in before
            ),
        }
    return statement


def _numbers_of(trail: list[dict[str, Any]], verb: str, *, until: int) -> list[int]:
    return [
        event["number"] for event in trail if event["verb"] == verb and event["number"] <= until
    ]


def _withheld_too_late(referral: Referral, *, until: int) -> int:
    """How many messages of the clinic this reader had opened, sealed, before they were withheld."""
    of_case = AuditEvent.objects.filter(case_file_id=referral.case_file_id)
    opened = of_case.filter(
        verb=MESSAGE, actor_id=referral.specialist.user_id, number__lte=until
    ).values("about_id")
    late = of_case.filter(verb="message.withheld", details__is_opened=True, about_id__in=opened)
    return late.count()


def trail_of(referral: Referral, numbers: dict[str, int]) -> list[dict[str, Any]]:
    """What the access log knows of this reader and this case, in its order.

    `record` is the number in the report's list, 0 for anything else; `images` names a study.
    PRIVACY: ids, verbs and times; nothing of what a record says.
    """
    events = AuditEvent.objects.filter(
        case_file_id=referral.case_file_id,
        actor_id=referral.specialist.user_id,
        verb__in=(*OPENED, IMAGES, MESSAGE, *STEPS),
    ).order_by("number")
    return [
        {
            "number": event.number,
            "at": _iso(event.at),
            "verb": event.verb,
            "record": numbers.get(event.about_id, 0) if event.verb in OPENED else 0,
            "images": event.about_id if event.verb == IMAGES else "",
        }
        for event in events
    ]


def sealed_fields(opinion: Opinion) -> dict[str, str]:
    """What was sealed, from the sealed bytes; empty when nothing was."""
    seal = getattr(opinion, "seal", None)
    return dict(json.loads(seal.content)["opinion"]) if seal else {}


def _iso(moment: Any) -> str:
    return moment.isoformat(timespec="seconds") if moment else ""
