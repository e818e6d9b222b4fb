"""Check every link of every audit chain."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import OuterRef, Subquery

from secondop.audit.models import AuditEvent
from secondop.audit.trail import broken_links


def chain_heads() -> dict[str, list[Any]]:
    """Return the last number and hash of each chain, to be kept on write-once storage."""
    last = AuditEvent.objects.filter(chain=OuterRef("chain")).order_by("-number")
    heads = AuditEvent.objects.filter(pk=Subquery(last.values("pk")[:1]))
    return {event.chain: [event.number, event.hash] for event in heads.iterator()}


class Command(BaseCommand):
    help = "Verify the audit trail's hash chains; exit code 1 when a link is broken."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--heads", metavar="FILE", help="compare with heads saved earlier")
        parser.add_argument("--save-heads", metavar="FILE", help="write the present heads")

    def handle(self, *_: Any, heads: str, save_heads: str, **__: Any) -> None:
        faults = [f"{event.chain} number {event.number}: {word}" for event, word in broken_links()]
        if heads:
            faults += self._cut_tails(json.loads(Path(heads).read_text()))
        if save_heads:
            Path(save_heads).write_text(json.dumps(chain_heads(), indent=1, sort_keys=True))
        if faults:
            raise CommandError("The audit trail is broken:\n" + "\n".join(faults))
        self.stdout.write(f"{AuditEvent.objects.count()} audit events, every link holds.")

    def _cut_tails(self, saved: dict[str, list[Any]]) -> list[str]:
        known = {
            (event.chain, event.number): event.hash
            for event in AuditEvent.objects.filter(chain__in=saved).iterator()
        }
        return [
            f"{chain} number {number}: not as saved"
            for chain, (number, saved_hash) in saved.items()
            if known.get((chain, number)) != saved_hash
        ]
