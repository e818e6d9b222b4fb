"""Routes of the viewer; each is declared in `secondop/api/access.py` too."""

from django.urls import path

from secondop.api.viewer import bundle, views

app_name = "viewer"
urlpatterns = [
    path("assets/<str:version>/<path:name>", bundle.asset, name="asset"),
    path("<uuid:pk>/", views.open_images, name="open"),
    path("<uuid:pk>/alive", views.alive, name="alive"),
    path("<uuid:pk>/<path:inside>", views.page, name="page"),
]
