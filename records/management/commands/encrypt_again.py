"""Write what is kept encrypted under the present SECRET_KEY: the former one can be forgotten."""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from django.core.management.base import BaseCommand
from django.db import transaction

from records.models import Ehr, EhrPull, Peer
from records.transfers import secrets
from secondop.accounts import seeds
from secondop.lib.ciphers import KeyLost, encrypted_again

COLUMNS = ((Peer, "secret"), (Ehr, "secret"), (EhrPull, "sealed"))


class Command(BaseCommand):
    help = "After a new SECRET_KEY, with the former one in SECRET_KEY_FALLBACKS. Safe to repeat."

    def handle(self, *_: Any, **__: Any) -> None:
        self._lost = 0
        with transaction.atomic():
            count = seeds.rewrite(
                Authenticator.objects, lambda held: self._again(held, seeds.PURPOSE)
            )
            for model, column in COLUMNS:
                rows: Any = model.objects
                for row in rows.exclude(**{column: ""}).select_for_update().order_by("pk"):
                    held = getattr(row, column)
                    told = self._again(held, secrets.PURPOSE)
                    if told != held:
                        count += rows.filter(pk=row.pk).update(**{column: told})
        self.stdout.write(f"encrypted again: {count}")
        if self._lost:
            self.stderr.write(
                f"{self._lost} could not be opened: their SECRET_KEY is not known here"
            )
            raise SystemExit(1)

    def _again(self, held: str, purpose: str) -> str:
        try:
            return encrypted_again(held, purpose)
        except KeyLost:
            self._lost += 1
            return held
