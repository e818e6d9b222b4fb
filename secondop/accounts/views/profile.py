"""One's own name, language and time zone."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import override

from secondop.accounts.forms import ProfileForm
from secondop.accounts.language import remember_language
from secondop.accounts.models import User
from secondop.lib.access import get_visible


def profile(request: HttpRequest) -> HttpResponse:
    # A copy: the page's header keeps the saved name while the form shows what was typed.
    person = get_visible(User, request.user, cast(User, request.user).pk)
    form = ProfileForm(request.POST or None, instance=person)
    if request.method == "POST" and form.is_valid():
        saved = form.save()
        with override(saved.language):
            messages.success(request, _("Your details are saved."))
        response = redirect("accounts:profile")
        remember_language(response, saved.language)
        return response
    return render(request, "accounts/profile.html", {"form": form})
