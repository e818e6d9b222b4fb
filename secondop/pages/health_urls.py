"""Health checks, without a namespace: process managers know these names."""

from django.urls import path

from secondop.pages import health

urlpatterns = [
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
]
