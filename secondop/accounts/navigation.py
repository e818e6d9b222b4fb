"""The links at the top of every page, by what a person is."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from secondop.accounts import roles

LINKS: tuple[tuple[str, str, str | Promise], ...] = (
    # role ("" = anyone signed in without a role), URL name, label
    ("", "requests:mine", _("My requests")),
    (roles.COORDINATOR, "requests:queue", _("Queue")),
    (roles.COORDINATOR, "requests:tasks", _("To do")),
    (roles.COORDINATOR, "holders:asks", _("Record requests")),
    (roles.COORDINATOR, "requests:checklists", _("Checklists")),
    (roles.COORDINATOR, "records:giveaway_terms", _("Giveaway words")),
    (roles.SPECIALIST, "specialists:desk", _("My reviews")),
    (roles.QUALITY_REVIEWER, "specialists:checks", _("Quality checks")),
    (roles.ADMINISTRATOR, "accounts:members", _("People")),
    (roles.ADMINISTRATOR, "jobs:list", _("Jobs")),
    (roles.ADMINISTRATOR, "records:peers", _("Other systems")),
    (roles.ADMINISTRATOR, "requests:checklists", _("Checklists")),
    (roles.AUDITOR, "audit:trail", _("Audit trail")),
)


def navigation_for(request: HttpRequest) -> list[dict[str, Any]]:
    """Return `{label, url, is_current}` for each link this person may follow."""
    user = request.user
    if not user.is_authenticated:
        return []
    links = []
    for role, name, label in LINKS:
        if (role and role in user.roles) or (not role and not user.roles):
            try:
                url = reverse(name)
            except NoReverseMatch:  # the app with this page is not installed
                continue
            links.append({"label": label, "url": url, "is_current": request.path.startswith(url)})
    return links
