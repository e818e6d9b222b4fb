"""Who opened a patient's records and what else happened to them, in plain sentences."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from requests_app.models import OpinionRequest
from secondop.accounts.models import Membership, User
from secondop.accounts.roles import ROLES, SPECIALIST
from secondop.audit.models import AuditEvent
from secondop.audit.sentences import sentence_of

PAGE_SIZE = 50


def opened_lines(
    request: HttpRequest, opinion_request: OpinionRequest
) -> tuple[list[dict[str, Any]], str]:
    """The newest events first, and the address of the older ones ("" at the end)."""
    events = AuditEvent.objects.filter(chain=f"case_file:{opinion_request.case_file_id}")
    before = request.GET.get("before", "")
    if before.isascii() and before.isdigit() and len(before) < 10:
        events = events.filter(number__lt=int(before))
    rows = list(events.order_by("-number")[:PAGE_SIZE])
    people = _people(rows, opinion_request, request.user)
    lines = [
        {
            "who": people.get(event.actor_id, _("Our system"))
            if event.actor_role != "record_holder"
            else _("A hospital or practice that has records"),
            "what": sentence_of(event.verb),
            "at": event.at,
        }
        for event in rows
    ]
    return lines, f"?before={rows[-1].number}" if rows and rows[-1].number > 1 else ""


def _people(
    events: list[AuditEvent], opinion_request: OpinionRequest, reader: Any
) -> dict[Any, str]:
    """How each actor is called here: people of the patient by name, the clinic's by their role."""
    clinic = opinion_request.clinic
    patient = opinion_request.case_file.patient
    ids: set[Any] = {event.actor_id for event in events if event.actor_id}
    names: dict[Any, str] = {reader.pk: _("You")}
    mine: set[Any] = {patient.user_id, *patient.proxies.values_list("user", flat=True)} & ids
    for person in User.objects.filter(pk__in=mine - {reader.pk}):
        names[person.pk] = person.display_name
    held: dict[Any, set[str]] = {}
    members = Membership.objects.filter(clinic=clinic, user__in=ids - set(names))
    for user_id, role in members.values_list("user", "role"):
        held.setdefault(user_id, set()).add(role)
    for user_id in ids - set(names):
        roles = held.get(user_id, set())
        if SPECIALIST in roles:
            names[user_id] = _("Your specialist")
        elif roles:
            title = ROLES[sorted(roles)[0]].title
            names[user_id] = _("%(role)s, %(clinic)s") % {
                "role": title,
                "clinic": clinic.name,
            }
        else:
            names[user_id] = _("Somebody of %(clinic)s") % {"clinic": clinic.name}
    return names
