"""Write docs/roles.md from the table of roles."""

from typing import Any

from django.core.management.base import BaseCommand

from secondop.accounts.roles_page import PAGE, as_markdown


class Command(BaseCommand):
    help = "Write docs/roles.md from the table of roles."

    def handle(self, *_: Any, **__: Any) -> None:
        PAGE.write_text(as_markdown(), encoding="utf-8")
        self.stdout.write(str(PAGE.relative_to(PAGE.parents[1])))
