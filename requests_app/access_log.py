"""Who opened a patient's records and what else happened to them, in plain sentences."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from requests_app.models import OpinionRequest
from secondop.accounts.models import Membership, User
from secondop.accounts.roles import ROLES, SPECIALIST
from secondop.audit.models import AuditEvent

PAGE_SIZE = 50
# What a verb of the audit trail means to the person whose records they are.
SENTENCES: dict[str, str | Promise] = {
    "request.begun": _("began the request"),
    "request.answered": _("changed answers"),
    "request.submitted": _("sent the request"),
    "request.viewed": _("read the request"),
    "request.accepted": _("accepted the request"),
    "request.patient_asked": _("asked for something"),
    "request.returned": _("returned the request with advice"),
    "request.ready": _("marked the records as complete"),
    "request.referred": _("asked a specialist"),
    "request.withdrawn": _("stopped the request"),
    "request.expired": _("ended the request, because time ran out"),
    "request.reopened": _("opened the request again"),
    "request.closed": _("closed the request"),
    "case_file.opened": _("let somebody read the records"),
    "case_file.closed": _("ended somebody's right to read the records"),
    "document.received": _("added a file"),
    "document.screened": _("checked a file"),
    "document.described": _("said what a file is"),
    "document.classified": _("decided what a sealed reader may see of a file"),
    "document.quarantined": _("set a file aside"),
    "document.opened": _("opened a file"),
    "document.read": _("read a page of a file"),
    "document.downloaded": _("downloaded a file"),
    "document.removed": _("removed a file"),
    "message.sent": _("wrote a message"),
    "proxy.recorded": _("noted who acts for the patient"),
    "proxy.ended": _("ended somebody's right to act for the patient"),
    "referral.offered": _("offered the case to a specialist, without a name"),
    "referral.taken": _("took the case"),
    "referral.declined": _("declined the case"),
    "opinion.sealed": _("locked their own opinion"),
    "opinion.revealed": _("saw for the first time what the first doctor said"),
    "opinion.revised": _("changed the opinion and said why"),
    "opinion.seal_broken": _("opened the seal for your safety"),
    "opinion.signed": _("signed the opinion"),
    "quality_check.begun": _("began to check the report"),
    "quality_check.approved": _("approved the report"),
    "quality_check.sent_back": _("sent the report back with comments"),
    "report.delivered": _("delivered the report"),
    "report.opened": _("opened the report"),
    "report.downloaded": _("downloaded the report"),
    "report.acknowledged": _("said that the report was read"),
    "follow_up.asked": _("asked about the report"),
    "follow_up.answered": _("answered a question about the report"),
}


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
            "who": people.get(event.actor_id, gettext("Our system")),
            "what": SENTENCES.get(event.verb, gettext("worked on the request")),
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
    names: dict[Any, str] = {reader.pk: gettext("You")}
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
            names[user_id] = gettext("Your specialist")
        elif roles:
            title = ROLES[sorted(roles)[0]].title
            names[user_id] = gettext("%(role)s, %(clinic)s") % {
                "role": title,
                "clinic": clinic.name,
            }
        else:
            names[user_id] = gettext("Somebody of %(clinic)s") % {"clinic": clinic.name}
    return names
