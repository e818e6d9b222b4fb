"""Read every imaging pack and compare it with its hashes. Beat does it nightly, for a while."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from records.imaging_checks import check_for


class Command(BaseCommand):
    help = "Check stored imaging packs. Damaged ones are set aside and named; then it ends with 1."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--most", type=int, default=0, help="check at most this many packs")

    def handle(self, *args: Any, **options: Any) -> None:
        damaged = check_for(most=options["most"])
        for pack in damaged:
            self.stdout.write(f"damaged: pack {pack.pk} of case file {pack.case_file_id}")
        if damaged:
            raise SystemExit(1)
