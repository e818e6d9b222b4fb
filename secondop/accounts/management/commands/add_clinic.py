"""`manage.py add_clinic`: the first clinic of an installation, or one more, with its administrator.

Everybody else comes by invitation; somebody must be there to send the first one.
"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.db import transaction

from secondop.accounts.models import Clinic, Membership, User
from secondop.accounts.roles import ADMINISTRATOR
from secondop.audit.trail import note


class Command(BaseCommand):
    help = "Add a clinic and the person who administers it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="the clinic's short name, such as st-anna")
        parser.add_argument("--name", required=True)
        parser.add_argument("--phone", required=True)
        parser.add_argument("--administrator", required=True, metavar="EMAIL")
        parser.add_argument("--time-zone", default="America/New_York")

    @transaction.atomic
    def handle(self, *_: Any, slug: str, administrator: str, **said: Any) -> None:
        email = administrator.strip().lower()
        clinic = Clinic(
            slug=slug, name=said["name"], phone=said["phone"], time_zone=said["time_zone"]
        )
        try:
            validate_email(email)
            clinic.full_clean()
        except ValidationError as wrong:
            raise CommandError("; ".join(wrong.messages)) from None
        clinic.save()
        user = User.objects.filter(email=email).first()
        if user is None:
            user = User.objects.create_user(email, None, time_zone=clinic.time_zone)
            EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
        membership = Membership.objects.create(user=user, clinic=clinic, role=ADMINISTRATOR)
        note("membership.began", by=user, about=membership, role=ADMINISTRATOR)
        self.stdout.write(
            "Added. The administrator opens the site, chooses a password with “I forgot my "
            "password”, sets up a second step and invites the others."
        )
