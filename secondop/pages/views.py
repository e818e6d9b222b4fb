"""The public pages: plain words, no data of anybody; and the button that changes the language."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe
from django.views.i18n import set_language

from secondop.accounts.models import User
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


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Change the language of the pages; of who is signed in also that of mails and next time."""
    chosen = request.POST.get("language", "")
    if request.user.is_authenticated and chosen in dict(settings.LANGUAGES):
        User.objects.filter(pk=request.user.pk).exclude(language=chosen).update(language=chosen)
    response: HttpResponse = set_language(request)
    return response
