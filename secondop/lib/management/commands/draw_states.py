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
            pattern = re.compile(rf"(## {name}\n.*?```mermaid\n)(.*?)(```)", re.S)
            text = readme.read_text()
            readme.write_text(pattern.sub(lambda m, d=mermaid(model): m[1] + d + m[3], text))
            self.stdout.write(f"{name}: {readme.relative_to(settings.BASE_DIR)}")
