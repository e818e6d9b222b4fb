"""Routes of this app; each is declared in `access.py` too."""

from django.urls import path

from secondop.notifications.views import inbox

app_name = "notifications"
urlpatterns = [
    path("", inbox.inbox, name="inbox"),
    path("<uuid:pk>/", inbox.open_one, name="open"),
    path("read/", inbox.read_all, name="read_all"),
]
