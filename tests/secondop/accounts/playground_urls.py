"""The routes as a demo has them."""

from django.urls import include, path

from secondop.urls import urlpatterns as usual

urlpatterns = [*usual, path("demo/", include("secondop.demo.urls"))]
handler404 = "secondop.pages.errors.not_found"
