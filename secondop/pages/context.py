"""What every page shows around its content: navigation, account, clinic, emergency number.

Everything is lazy: a piece for htmx that shows none of it asks the database nothing.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from secondop.accounts.models import Clinic
from secondop.accounts.navigation import navigation_for
from secondop.accounts.roles import ROLES
from secondop.notifications.models import Notification

USUAL_EMERGENCY_NUMBER = "911"


def page(request: HttpRequest) -> dict[str, Any]:
    """The context processor. A view may put its own `clinic` over ours."""
    clinic: Any = SimpleLazyObject(lambda: _clinic_of(request))
    return {
        "navigation": SimpleLazyObject(lambda: _navigation(request)),
        "unread_count": SimpleLazyObject(lambda: _unread_count(request)),
        "inbox_url": _url("notifications:inbox") if _is_signed_in(request) else "",
        "account": SimpleLazyObject(lambda: _account(request)),
        "clinic": clinic,
        "emergency_phone": SimpleLazyObject(lambda: _emergency_phone(clinic)),
        "is_demo": settings.DEMO,
    }


def _is_signed_in(request: HttpRequest) -> bool:
    """An error page may be made before anybody was asked who they are."""
    return bool(getattr(request, "user", None) and request.user.is_authenticated)


def _navigation(request: HttpRequest) -> list[dict[str, Any]]:
    return navigation_for(request) if _is_signed_in(request) else []


def _unread_count(request: HttpRequest) -> int:
    if not _is_signed_in(request):
        return 0
    return Notification.objects.visible_to(request.user).unread().count()


def _account(request: HttpRequest) -> dict[str, Any]:
    if not _is_signed_in(request):
        return {}
    user: Any = request.user
    links = [
        {"label": _("Your details"), "url": _url("accounts:profile")},
        {"label": _("Sign-in and security"), "url": _url("mfa_index")},
        {"label": _("E-mail address"), "url": _url("account_email")},
        {"label": _("Change password"), "url": _url("account_change_password")},
    ]
    return {
        "name": user.display_name,
        "role": ", ".join(str(ROLES[role].title) for role in user.roles if role in ROLES),
        "links": [link for link in links if link["url"]],
    }


def _clinic_of(request: HttpRequest) -> Clinic | None:
    """The one clinic of a member of staff, or the only one of the installation."""
    clinics = Clinic.objects.all()
    if _is_signed_in(request):
        user: Any = request.user
        if works_at := user.clinics_as(*ROLES):
            clinics = clinics.filter(pk__in=works_at)
    two = list(clinics[:2])
    return two[0] if len(two) == 1 else None


def _emergency_phone(clinic: Clinic | None) -> str:
    return clinic.emergency_number if clinic else USUAL_EMERGENCY_NUMBER


def _url(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
