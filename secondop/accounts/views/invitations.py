"""Accepting an invitation. The link's token is exchanged at once and is in no later address."""

from __future__ import annotations

import time
from typing import cast

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from allauth.core import ratelimit
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from secondop.accounts import workflow
from secondop.accounts.forms import JoinForm
from secondop.accounts.letters import sha256_of
from secondop.accounts.models import Invitation, User

KEPT = "invitation"  # in the session: [id, when it was opened]
KEPT_SECONDS = 30 * 60


def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """SECURITY: opening uses nothing up, so a mail scanner that follows links does no harm."""
    if refused := ratelimit.consume_or_429(request, action="invitation", limit_get=True):
        return cast(HttpResponse, refused)
    found = Invitation.objects.open().filter(token_sha256=sha256_of(token)).first()
    request.session.pop(KEPT, None)
    if found is not None:
        request.session[KEPT] = [str(found.pk), time.time()]
    response = redirect("accounts:join")  # also when it is gone: no token stays in the address
    response["Referrer-Policy"] = "no-referrer"
    return response


def join(request: HttpRequest) -> HttpResponse:
    """Make an account, or take the role with the account one has."""
    kept = _kept(request)
    if kept is None:
        return _gone(request)
    if request.user.is_authenticated:
        return _join_signed_in(request, kept)
    if User.objects.filter(email=kept.email).exists():
        query = urlencode({"next": reverse("accounts:join")})
        sign_in = f"{reverse('account_login')}?{query}"
        context = {"invitation": kept, "sign_in_url": sign_in}
        return render(request, "accounts/join_sign_in.html", context)
    return _join_as_new(request, kept)


def _join_as_new(request: HttpRequest, kept: Invitation) -> HttpResponse:
    form = JoinForm(request.POST or None, email=kept.email)
    if request.method == "POST" and form.is_valid():
        if refused := ratelimit.consume_or_429(request, action="join"):
            return cast(HttpResponse, refused)
        user = workflow.join_as_new(kept, **form.cleaned_data)
        request.session.pop(KEPT, None)
        login = Login(user=user, email=user.email, redirect_url=reverse("accounts:second_factor"))
        return cast(HttpResponse, perform_password_login(request, {"email": user.email}, login))
    return render(request, "accounts/join.html", {"form": form, "invitation": kept})


def _join_signed_in(request: HttpRequest, kept: Invitation) -> HttpResponse:
    user = cast(User, request.user)
    is_theirs = user.email.lower() == kept.email.lower()
    if request.method == "POST" and is_theirs:
        membership = workflow.join(kept, by=user)
        request.session.pop(KEPT, None)
        welcome = _("You now work with %(clinic)s as: %(role)s.")
        words = {"clinic": kept.clinic.name, "role": membership.get_role_display()}
        messages.success(request, welcome % words)
        return redirect("accounts:start")
    context = {"invitation": kept, "is_theirs": is_theirs}
    return render(request, "accounts/join_confirm.html", context)


def _kept(request: HttpRequest) -> Invitation | None:
    pk, opened_at = request.session.get(KEPT) or ("", 0)
    if not pk or time.time() - opened_at > KEPT_SECONDS:
        return None
    return Invitation.objects.open().select_related("clinic").filter(pk=pk).first()


def _gone(request: HttpRequest) -> HttpResponse:
    """Used, taken back, too old or never there: one answer for all of them."""
    return render(request, "accounts/invitation_gone.html", status=404)
