"""What the auditor's page shows: events of own clinics, filtered, with names of staff.

PRIVACY: an auditor checks who did what. Patients, and those who act for them, stay unnamed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, time, timedelta
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from secondop.audit.models import AuditEvent
from secondop.audit.sentences import sentence_of

EXPORT_CHUNK = 1000
HEADINGS = ("number", "time (UTC)", "who", "role", "on behalf of a patient", "verb", "what",
            "case file", "kind of row", "id of row", "details", "chain", "link",
            "hash")  # fmt: skip


def filtered(user: Any, wanted: dict[str, Any]) -> QuerySet[AuditEvent]:
    """Events `user` may audit, narrowed by the cleaned values of `TrailFilterForm`."""
    events = AuditEvent.objects.visible_to(user)
    if wanted.get("verb"):
        events = events.filter(verb=wanted["verb"])
    if wanted.get("person"):
        events = events.filter(actor_id=wanted["person"])
    if wanted.get("case_file"):
        events = events.filter(case_file_id__in=_case_files(user, wanted["case_file"]))
    if wanted.get("since"):
        events = events.filter(at__gte=_midnight(wanted["since"]))
    if wanted.get("until"):
        events = events.filter(at__lt=_midnight(wanted["until"] + timedelta(days=1)))
    return events


def staff_of(user: Any) -> list[tuple[str, str]]:
    """(id, name) of everybody who works or worked at the clinics this person audits."""
    people = get_user_model()._default_manager.filter(
        memberships__clinic_id__in=user.clinics_as("auditor")
    )
    found = people.distinct().order_by("full_name", "email")
    return [(str(person.pk), person.display_name) for person in found]  # type: ignore[attr-defined]


def lines(events: Iterable[AuditEvent], user: Any) -> list[dict[str, Any]]:
    """Events as the page and the file show them; two queries, however many events."""
    events = list(events)
    names = dict(staff_of(user))
    aliases = _aliases({event.case_file_id for event in events if event.case_file_id})
    return [
        {
            "event": event,
            "who": _who(event, names),
            "is_staff": str(event.actor_id) in names,
            "did": sentence_of(event.verb),
            "alias": aliases.get(event.case_file_id, ""),
            "details": ", ".join(f"{key}: {value}" for key, value in sorted(event.details.items())),
        }
        for event in events
    ]


def csv_rows(user: Any, wanted: dict[str, Any]) -> Iterator[Iterable[Any]]:
    """The whole selection, newest first, a piece at a time: memory stays flat."""
    yield HEADINGS
    below: int | None = None
    while True:
        rows = filtered(user, wanted).order_by("-id")
        chunk = list((rows.filter(id__lt=below) if below else rows)[:EXPORT_CHUNK])
        if not chunk:
            return
        for line in lines(chunk, user):
            event = line["event"]
            yield (
                event.pk, event.at.isoformat(), line["who"], event.actor_role,
                "yes" if event.on_behalf_of_id else "", event.verb, line["did"], line["alias"],
                event.about_type, event.about_id, line["details"], event.chain, event.number,
                event.hash,
            )  # fmt: skip
        below = chunk[-1].pk


def _who(event: AuditEvent, names: dict[str, str]) -> str:
    if event.actor_id is None:
        return _("The system")
    name = names.get(str(event.actor_id))
    if name:
        return name
    return _("Somebody who acts for a patient") if event.on_behalf_of_id else _("A patient")


def _case_files(user: Any, reference: str) -> list[Any]:
    """Ids by the alias of a case file (CF-...) or the reference of a request (SO-...).

    The models live above this app on the staircase, so they are asked for by name.
    """
    clinics = user.clinics_as("auditor")
    files = apps.get_model("records", "CaseFile")._default_manager
    requests = apps.get_model("requests_app", "OpinionRequest")._default_manager
    found = files.filter(clinic_id__in=clinics, alias__iexact=reference)
    by_request = requests.filter(clinic_id__in=clinics, reference__iexact=reference)
    return [
        *found.values_list("pk", flat=True), *by_request.values_list("case_file_id", flat=True)
    ]  # fmt: skip


def _aliases(ids: set[Any]) -> dict[Any, str]:
    files = apps.get_model("records", "CaseFile")._default_manager
    return dict(files.filter(pk__in=ids).values_list("pk", "alias"))


def _midnight(day: Any) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
