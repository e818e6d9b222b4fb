"""Read every imaging pack and compare it with its hashes: nightly, the longest unchecked first."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db.models import F

from records.imaging_workflow import check_pack
from records.models import ImagingPack


class Command(BaseCommand):
    help = "Check stored imaging packs. Damaged ones are set aside and named; then it ends with 1."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--most", type=int, default=0, help="check at most this many packs")

    def handle(self, *args: Any, **options: Any) -> None:
        packs = ImagingPack.objects.filter(quarantined_at=None)
        packs = packs.order_by(F("checked_at").asc(nulls_first=True), "pk")
        if options["most"]:
            packs = packs[: options["most"]]
        damaged = [pack for pack in packs.iterator(chunk_size=200) if not check_pack(pack)]
        for pack in damaged:
            self.stdout.write(f"damaged: pack {pack.pk} of case file {pack.case_file_id}")
        if damaged:
            raise SystemExit(1)
