"""`manage.py verify_seal FILE.json` or `REPORT-ID`: does what was sealed still match its hash?"""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from requests_app.models import Report
from specialists.models import Seal
from specialists.sealing import exported, problem_in


class Command(BaseCommand):
    help = "Verify an exported seal (a file, no database needed) or every seal behind a report."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", help="a file exported by SecondOp, or the id of a report")

    def handle(self, *args: Any, **options: Any) -> None:
        what = str(options["what"])
        if Path(what).is_file():
            self._check(what, Path(what).read_bytes().decode("utf-8", errors="replace"))
            return
        for seal in self._seals_behind(what):
            self._check(str(seal), exported(seal))

    def _check(self, name: str, text: str) -> None:
        if problem := problem_in(text):
            raise CommandError(f"{name}: {problem}")
        self.stdout.write(self.style.SUCCESS(f"{name}: intact"))

    @staticmethod
    def _seals_behind(report_id: str) -> list[Seal]:
        try:
            report = Report.objects.filter(pk=uuid.UUID(report_id)).first()
        except ValueError:
            report = None
        if report is None:
            raise CommandError("There is no such file, and no report with this id.")
        referrals = report.opinion_request.referrals.all()
        seals = list(Seal.objects.filter(opinion__referral__in=referrals).order_by("sealed_at"))
        if not seals:
            raise CommandError("Nothing was sealed for this report: it was an open review.")
        return seals
