"""Whoever works at a clinic proves it twice before seeing anything."""

from allauth.mfa.adapter import get_adapter
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect


def needs_second_factor(request: HttpRequest) -> bool:
    """Clinic staff without TOTP or a passkey; patients may have one but need not."""
    user = request.user
    return bool(user.is_clinic_staff and not get_adapter().is_mfa_enabled(user))  # type: ignore[union-attr]


def to_second_factor(request: HttpRequest) -> HttpResponse:
    return redirect("accounts:second_factor")
