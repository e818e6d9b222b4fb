"""Changes of what a request is held to: what applies, what was answered, what is waived."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from requests_app import rules
from requests_app.completeness import definition
from requests_app.completeness.choosing import (
    checklists_of,
    completeness_of,
    current_of,
    hold_to,
    sha256,
)
from requests_app.completeness.definition import Item
from requests_app.models import ChecklistVersion, ItemStatement, OpinionRequest, Waiver
from secondop.accounts.models import Clinic
from secondop.accounts.roles import ADMINISTRATOR, COORDINATOR
from secondop.audit.trail import note
from secondop.lib.transitions import transition
from secondop.lib.verdicts import YES, Verdict, never, not_now


@transition
def say(
    opinion_request: OpinionRequest, name: str, *, applies: str = "", words: str = "", by: Any
) -> None:
    """Note what somebody says about one item: whether it applies, or an answer in words."""
    rules.may_add_records(by, opinion_request).or_raise()
    item_named(opinion_request, name)
    ItemStatement.objects.update_or_create(
        opinion_request=opinion_request, item=name,
        defaults={
            "clinic_id": opinion_request.clinic_id, "applies": applies, "words": words.strip(),
            "by": by,
        },
    )  # fmt: skip
    note("item.answered", by=by, about=opinion_request)


@transition
def waive(opinion_request: OpinionRequest, name: str, *, reason: str, by: Any) -> None:
    """Go on without an item. The patient reads the reason."""
    rules.may_waive(by, opinion_request).or_raise()
    item_named(opinion_request, name)
    keep_waiver(opinion_request, name, reason, by=by)


def keep_waiver(opinion_request: OpinionRequest, name: str, reason: str, *, by: Any) -> None:
    """For workflow steps that hold the request locked."""
    if not reason.strip():
        not_now(_("Write why you go on without it. The patient reads it.")).or_raise()
    Waiver.objects.update_or_create(
        opinion_request=opinion_request, item=name,
        defaults={"clinic_id": opinion_request.clinic_id, "reason": reason.strip(), "by": by},
    )  # fmt: skip
    note("item.waived", by=by, about=opinion_request)


@transition
def ask_again(opinion_request: OpinionRequest, name: str, *, by: Any) -> None:
    """Take a waiver back."""
    rules.may_waive(by, opinion_request).or_raise()
    Waiver.objects.filter(opinion_request=opinion_request, item=name).delete()
    note("item.needed_again", by=by, about=opinion_request)


@transition
def choose(opinion_request: OpinionRequest, keys: list[str], *, by: Any) -> None:
    """The coordinator says which checklists fit, when code and words do not tell."""
    rules.may_waive(by, opinion_request).or_raise()
    known = current_of(opinion_request.clinic_id)
    hold_to(opinion_request, [key for key in keys if key in known], by=by)
    note("checklist.chosen", by=by, about=opinion_request)


def item_named(opinion_request: OpinionRequest, name: str) -> Item:
    """The item of a name like "breast_cancer.mri". Raises Refused when the request has none."""
    for checklist in checklists_of(opinion_request):
        for item in checklist.items:
            if f"{checklist.key}.{item.key}" == name:
                return item
    not_now(_("This item is not on the checklist any more. Load the page again.")).or_raise()
    raise AssertionError


def gap_names(opinion_request: OpinionRequest) -> list[str]:
    """What is missing, in words, for a sentence."""
    return [finding.title for finding in completeness_of(opinion_request).gaps]


# --- a clinic's own versions -----------------------------------------------------------------


def may_edit_checklists(user: Any, clinic: Clinic) -> Verdict:
    if any(user.works_as(role, clinic.pk) for role in (COORDINATOR, ADMINISTRATOR)):
        return YES
    return never(_("Only coordinators and administrators edit checklists."))


@transaction.atomic
def save_version(clinic: Clinic, content: str, *, by: Any) -> ChecklistVersion:
    """Keep a clinic's own text of a checklist, unsigned and not yet in use.

    Raises: Wrong with every fault of the text; Refused when its version was signed already.
    """
    may_edit_checklists(by, clinic).or_raise()
    checklist = definition.read(content)
    row, is_new = ChecklistVersion.objects.select_for_update().get_or_create(
        clinic=clinic, key=checklist.key, version=checklist.version,
        defaults={"content": content, "sha256": sha256(content), "made_by": by},
    )  # fmt: skip
    if not is_new and row.content != content:
        if row.signed_at or row.is_current:
            sentence = _("Version %(version)s is in use and stays as it is. Give yours a new one.")
            not_now(sentence % {"version": row.version}).or_raise()
        row.content, row.sha256, row.made_by = content, sha256(content), by
        row.save(update_fields=["content", "sha256", "made_by"])
    note("checklist.saved", by=by, about=row, version=checklist.version)
    return row


@transaction.atomic
def sign(version: ChecklistVersion, *, name: str, by: Any) -> ChecklistVersion:
    """A clinician answers for a version by name; new requests are held to it from now on."""
    may_edit_checklists(by, version.clinic).or_raise()
    rows = ChecklistVersion.objects.select_for_update().filter(
        clinic_id=version.clinic_id, key=version.key
    )
    fresh = rows.get(pk=version.pk)
    if fresh.signed_at:
        not_now(_("This version is signed already.")).or_raise()
    if not name.strip():
        not_now(_("Write the name of the clinician who has read it.")).or_raise()
    rows.filter(is_current=True).exclude(pk=fresh.pk).update(is_current=False)
    fresh.signed_by, fresh.signed_at, fresh.signed_name = by, timezone.now(), name.strip()
    fresh.is_current = True
    fresh.save(update_fields=["signed_by", "signed_at", "signed_name", "is_current"])
    note("checklist.signed", by=by, about=fresh, version=fresh.version)
    return fresh
