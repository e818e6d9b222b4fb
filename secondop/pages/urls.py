"""Addresses of the public pages. Health checks are in `health_urls`."""

from django.urls import path

from secondop.pages import styleguide, views

app_name = "pages"

urlpatterns = [
    path("", views.home, name="home"),
    path("how-it-works/", views.how, name="how"),
    path("limits/", views.limits, name="limits"),
    path("privacy/", views.privacy, name="privacy"),
    path("accessibility/", views.accessibility, name="accessibility"),
    path("verify/", views.verify, name="verify"),
    path("language/", views.language, name="language"),
    path("styleguide/", styleguide.styleguide, name="styleguide"),
]
