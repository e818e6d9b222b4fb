"""`manage.py demo_logins`: who can sign in to the playground, and what they can try."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from secondop.accounts.roles import PATIENT
from secondop.demo.people import DEMO_PEOPLE, PASSWORD


class Command(BaseCommand):
    help = "Print the demo's logins."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("This is not a demo: there are no demo logins.")
        write = self.stdout.write
        write(f"Everybody's password: {PASSWORD}")
        write(f"Staff also type six digits; read them at {settings.SITE_URL}/demo/logins/")
        write("")
        width = max(len(person.email) for person in DEMO_PEOPLE)
        staff = [person for person in DEMO_PEOPLE if person.role != PATIENT]
        for title, people in (("Patients", _first_patients()), ("Staff", staff)):
            write(title)
            for person in people:
                role = "" if person.role == PATIENT else f"{person.role_title}: "
                write(f"  {person.email:<{width}}  {role}{person.can_try}")


def _first_patients() -> list[Any]:
    """The five most worth trying; the page lists all."""
    return [person for person in DEMO_PEOPLE if person.role == PATIENT][:5]
