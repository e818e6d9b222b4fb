"""Routes of this app; each is declared in `access.py` too."""

from django.urls import path

from secondop.jobs.views import staff

app_name = "jobs"
urlpatterns = [
    path("", staff.list_jobs, name="list"),
    path("<str:kind>/<uuid:pk>/retry/", staff.retry, name="retry"),
]
