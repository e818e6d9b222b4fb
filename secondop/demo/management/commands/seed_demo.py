"""`manage.py seed_demo`: fill the playground. All or nothing, and safe to run twice."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from requests_app.models import OpinionRequest
from secondop.demo.answered import ANSWERED
from secondop.demo.founding import AT_THE_DESK, BEING_READ, FOUNDING
from secondop.demo.on_the_way import ON_THE_WAY
from secondop.demo.people import make_people
from secondop.demo.walking import walk

STORIES = (*ON_THE_WAY, *ANSWERED, AT_THE_DESK, BEING_READ, FOUNDING)


class Command(BaseCommand):
    help = "Make two clinics, people in all roles, and 16 requests in every state."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("Only a demo can be filled with demo people. Set DEMO=1 for one.")
        with transaction.atomic():
            clinics, people = make_people()
            # A story is told once: its marker is that this person has begun a request here.
            told = set(
                OpinionRequest.objects.filter(clinic__in=clinics.values()).values_list(
                    "started_by__email", flat=True
                )
            )
            untold = [story for story in STORIES if story.patient not in told]
            for story in untold:
                walk(story, clinic=clinics[story.clinic], people=people)
        self.stdout.write(f"{len(untold)} requests made, {len(STORIES) - len(untold)} were there.")
