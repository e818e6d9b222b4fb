"""Who opened a patient's records and what else happened to them, in plain sentences."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from requests_app.models import OpinionRequest
from secondop.accounts.models import Membership, User
from secondop.accounts.roles import ROLES, SPECIALIST
from secondop.audit.models import AuditEvent

PAGE_SIZE = 50
# What a verb of the audit trail means to the person whose records they are.
SENTENCES: dict[str, str | Promise] = {
    "request.begun": gettext_lazy("began the request"),
    "request.answered": gettext_lazy("changed answers"),
    "request.submitted": gettext_lazy("sent the request"),
    "request.viewed": gettext_lazy("read the request"),
    "request.accepted": gettext_lazy("accepted the request"),
    "request.patient_asked": gettext_lazy("asked for something"),
    "request.returned": gettext_lazy("returned the request with advice"),
    "request.ready": gettext_lazy("marked the records as complete"),
    "request.referred": gettext_lazy("asked a specialist"),
    "request.withdrawn": gettext_lazy("stopped the request"),
    "request.expired": gettext_lazy("ended the request, because time ran out"),
    "request.reopened": gettext_lazy("opened the request again"),
    "request.closed": gettext_lazy("closed the request"),
    "case_file.opened": gettext_lazy("let somebody read the records"),
    "case_file.closed": gettext_lazy("ended somebody's right to read the records"),
    "document.received": gettext_lazy("added a file"),
    "document.screened": gettext_lazy("checked a file"),
    "document.described": gettext_lazy("said what a file is"),
    "document.classified": gettext_lazy("decided what a sealed reader may see of a file"),
    "document.quarantined": gettext_lazy("set a file aside"),
    "document.opened": gettext_lazy("opened a file"),
    "document.read": gettext_lazy("read a page of a file"),
    "document.downloaded": gettext_lazy("downloaded a file"),
    "document.removed": gettext_lazy("removed a file"),
    "message.sent": gettext_lazy("wrote a message"),
    "proxy.recorded": gettext_lazy("noted who acts for the patient"),
    "proxy.ended": gettext_lazy("ended somebody's right to act for the patient"),
    "referral.offered": gettext_lazy("offered the case to a specialist, without a name"),
    "referral.taken": gettext_lazy("took the case"),
    "referral.declined": gettext_lazy("declined the case"),
    "opinion.sealed": gettext_lazy("locked their own opinion"),
    "opinion.revealed": gettext_lazy("saw for the first time what the first doctor said"),
    "opinion.revised": gettext_lazy("changed the opinion and said why"),
    "opinion.seal_broken": gettext_lazy("opened the seal for your safety"),
    "opinion.signed": gettext_lazy("signed the opinion"),
    "quality_check.begun": gettext_lazy("began to check the report"),
    "quality_check.approved": gettext_lazy("approved the report"),
    "quality_check.sent_back": gettext_lazy("sent the report back with comments"),
    "report.delivered": gettext_lazy("delivered the report"),
    "report.opened": gettext_lazy("opened the report"),
    "report.downloaded": gettext_lazy("downloaded the report"),
    "report.acknowledged": gettext_lazy("said that the report was read"),
    "follow_up.asked": gettext_lazy("asked about the report"),
    "follow_up.answered": gettext_lazy("answered a question about the report"),
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
            "who": people.get(event.actor_id, _("Our system")),
            "what": SENTENCES.get(event.verb, _("worked on the request")),
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
            names[user_id] = _("%(role)s, %(clinic)s") % {"role": title, "clinic": clinic.name}
        else:
            names[user_id] = _("Somebody of %(clinic)s") % {"clinic": clinic.name}
    return names
