"""Wires every app; imported by nobody."""

from django.conf import settings
from django.urls import include, path

urlpatterns = [
    path("", include("secondop.pages.urls")),
    path("", include("secondop.pages.health_urls")),
    path("account/", include("secondop.accounts.urls")),
    path("account/", include("allauth.urls")),
    path("inbox/", include("secondop.notifications.urls")),
    path("jobs/", include("secondop.jobs.urls")),
    path("audit/", include("secondop.audit.urls")),
    path("records/", include("records.urls")),
    path("records/", include("records.holder_urls")),
    path("", include("records.door_urls")),
    path("", include("secondop.api.dicomweb.urls")),
    path("viewer/", include("secondop.api.viewer.urls")),
    path("", include("requests_app.urls")),
    path("", include("specialists.urls")),
]
if settings.DEMO:
    urlpatterns.append(path("demo/", include("secondop.demo.urls")))

handler400 = "secondop.pages.errors.bad_request"
handler403 = "secondop.pages.errors.forbidden"
handler404 = "secondop.pages.errors.not_found"
handler429 = "secondop.pages.errors.too_many"  # asked for by allauth
handler500 = "secondop.pages.errors.server_error"
