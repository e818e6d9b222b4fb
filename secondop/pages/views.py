"""The public pages: plain words, no data of anybody."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from specialists.verifying import NOT_PROVEN, PROBLEMS, PROVEN


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "secondop/home.html")


@require_safe
def how(request: HttpRequest) -> HttpResponse:
    return render(request, "secondop/how.html")


@require_safe
def limits(request: HttpRequest) -> HttpResponse:
    return render(request, "secondop/limits.html")


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    return render(request, "secondop/privacy.html")


@require_safe
def accessibility(request: HttpRequest) -> HttpResponse:
    return render(request, "secondop/accessibility.html")


@require_safe
def verify(request: HttpRequest) -> HttpResponse:
    """How anybody checks a report. The browser does it; nothing is sent here."""
    context = {"problems": PROBLEMS, "proven": PROVEN, "not_proven": NOT_PROVEN}
    return render(request, "secondop/verify.html", context)
