"""The inbox: what we told this person, newest first."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from secondop.lib.access import get_visible
from secondop.lib.keyset import keyset_page
from secondop.notifications.messages import CATALOGUE, Wording
from secondop.notifications.models import Notification

PAGE_SIZE = 25


def inbox(request: HttpRequest) -> HttpResponse:
    only_unread = request.GET.get("show") == "unread"
    rows = Notification.objects.visible_to(request.user)
    page = keyset_page(
        rows.unread() if only_unread else rows,
        order=("created_at", "id"),
        cursor=request.GET.get("cursor", ""),
        size=PAGE_SIZE,
        newest_first=True,
    )
    context = {
        "items": [(row, _wording(row)) for row in page.rows],
        "only_unread": only_unread,
        "next_url": _page_url(only_unread, page.next_cursor),
        "previous_url": _page_url(only_unread, page.previous_cursor),
    }
    return render(request, "notifications/inbox.html", context)


def open_one(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Mark one as read and go where there is more to read."""
    notification = get_visible(Notification, request.user, pk)
    unread = Notification.objects.filter(pk=notification.pk, read_at=None)
    unread.update(read_at=timezone.now())
    # SECURITY: paths are written by our own code; still never off this site.
    path = notification.path
    is_ours = path.startswith("/") and not path.startswith("//") and "\\" not in path
    return redirect(path if is_ours else "notifications:inbox")


def read_all(request: HttpRequest) -> HttpResponse:
    Notification.objects.visible_to(request.user).unread().update(read_at=timezone.now())
    messages.success(request, _("All messages are marked as read."))
    return redirect("notifications:inbox")


def _wording(row: Notification) -> Wording:
    """An old row may name a message that the catalogue no longer has."""
    gone = Wording(_("News"), _("There is news. Open it to read more."))
    return CATALOGUE.get(row.message, gone)


def _page_url(only_unread: bool, cursor: str) -> str:
    if not cursor:
        return ""
    return "?" + urlencode({"show": "unread" if only_unread else "all", "cursor": cursor})
