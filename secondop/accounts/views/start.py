"""Where each kind of person begins, the second factor that staff need first, the table of roles."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from secondop.accounts.navigation import navigation_for
from secondop.accounts.roles import ROLES
from secondop.accounts.second_factor import needs_second_factor


def start(request: HttpRequest) -> HttpResponse:
    """The first link of the person's own navigation: one table decides both."""
    if needs_second_factor(request):
        return redirect("accounts:second_factor")
    links = navigation_for(request)
    return redirect(links[0]["url"] if links else reverse("pages:home"))


def second_factor(request: HttpRequest) -> HttpResponse:
    if not needs_second_factor(request):
        return redirect("accounts:start")
    return render(request, "accounts/second_factor.html")


def roles(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/roles.html", {"roles": ROLES.values()})
