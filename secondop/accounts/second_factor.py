"""Whoever works at a clinic proves it twice before seeing anything."""

from allauth.account.internal.flows.login import get_authentication_records, record_authentication
from allauth.core import context as allauth_context
from allauth.mfa.adapter import get_adapter
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect


def has_second_factor(request: HttpRequest) -> bool:
    return bool(get_adapter().is_mfa_enabled(request.user))


def needs_second_factor(request: HttpRequest) -> bool:
    """Clinic staff without TOTP or a passkey; patients may have one but need not."""
    return bool(request.user.is_clinic_staff and not has_second_factor(request))  # type: ignore[union-attr]


def is_older_than_second_factor(request: HttpRequest) -> bool:
    """A staff session opened by password alone, though the person has a second factor by now.

    SECURITY: allauth asks for the second factor at every sign-in, so this is a session that began
    before it was set up elsewhere. It must end: from it one could add a passkey of one's own.
    """
    records = get_authentication_records(request, request.user)
    if not records or any(record["method"] == "mfa" for record in records):
        return False
    return bool(request.user.is_clinic_staff and has_second_factor(request))  # type: ignore[union-attr]


def remember_second_factor_was_shown(kind: str) -> None:
    """Called by the set-up forms: a valid code of the new app was just given in this session."""
    request = allauth_context.request
    record_authentication(request, request.user, "mfa", type=kind)


def to_second_factor(request: HttpRequest) -> HttpResponse:
    return redirect("accounts:second_factor")
