"""Routes of this app; each is declared in `access.py` too."""

from django.urls import path

from secondop.audit.views import trail

app_name = "audit"
urlpatterns = [
    path("", trail.trail, name="trail"),
    path("export.csv", trail.export, name="export"),
]
