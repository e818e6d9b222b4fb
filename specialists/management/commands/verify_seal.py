"""`manage.py verify_seal FILE.json` or `REPORT-ID`: does what was sealed still match its hash?"""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from requests_app.models import Report
from secondop.lib.canonical import canonical_json
from specialists.models import Seal
from specialists.sealing import exported
from specialists.verifying import NOT_PROVEN, PROBLEMS, PROVEN, verify


class Command(BaseCommand):
    help = "Verify an exported report or seal (a file, no database needed), or a report by its id."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", help="a file exported by SecondOp, or the id of a report")
        parser.add_argument(
            "--fingerprint", default="", help="the SHA-256 that is printed on the report"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        what, fingerprint = str(options["what"]), str(options["fingerprint"])
        if _is_there(Path(what)):
            self._check(what, _text_of(Path(what)), fingerprint)
            return
        for name, text in self._behind(what):
            self._check(name, text, fingerprint if name == what else "")

    def _check(self, name: str, text: str, fingerprint: str) -> None:
        found = verify(text, fingerprint=fingerprint)
        if found.problems:
            sentences = " ".join(str(PROBLEMS[code]) for code in found.problems)
            raise CommandError(f"{name}: {sentences}")
        self.stdout.write(self.style.SUCCESS(f"{name}: intact"))
        self.stdout.write(f"  SHA-256 {found.sha256}")
        for code in found.proven:
            self.stdout.write(f"  proven: {PROVEN[code]}")
        for code in found.not_proven:
            self.stdout.write(f"  not proven: {NOT_PROVEN[code]}")

    @staticmethod
    def _behind(report_id: str) -> list[tuple[str, str]]:
        """A report by its id: its own data, and every seal as the database has it."""
        try:
            report = Report.objects.filter(pk=uuid.UUID(report_id)).first()
        except ValueError:
            report = None
        if report is None:
            raise CommandError("There is no such file, and no report with this id.")
        referrals = report.opinion_request.referrals.all()
        seals = Seal.objects.filter(opinion__referral__in=referrals).order_by("sealed_at")
        return [
            (report_id, canonical_json(report.snapshot)),
            *((str(seal), exported(seal)) for seal in seals),
        ]


def _is_there(path: Path) -> bool:
    """A name that no disk can hold (a pasted report, say) is a file that is not there."""
    try:
        return path.is_file()
    except OSError:
        return False


def _text_of(path: Path) -> str:
    """The file's text; bytes that are no UTF-8 make a text that no check accepts."""
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        return ""
    except OSError as problem:
        raise CommandError(f"{path}: this file cannot be read.") from problem
