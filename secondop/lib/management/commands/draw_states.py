"""Write each status table into the README of its app, between the mermaid fences."""

import re
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand

from secondop.lib.state_diagram import mermaid
from secondop.lib.transitions import StatusModel


class Command(BaseCommand):
    help = "Draw the state diagrams into the apps' READMEs (the tests compare them)."

    def handle(self, *_: Any, **__: Any) -> None:
        for model in apps.get_models():
            if not issubclass(model, StatusModel):
                continue
            readme = settings.BASE_DIR / model._meta.app_label / "README.md"
            name = model.__name__
            before, heading, after = readme.read_text().partition(f"## {name}\n")
            fence = re.compile(r"(```mermaid\n).*?(```)", re.DOTALL)
            drawn = fence.sub(rf"\g<1>{mermaid(model)}\g<2>", after, count=1)
            readme.write_text(before + heading + drawn)
            self.stdout.write(f"{name}: {readme.relative_to(settings.BASE_DIR)}")
