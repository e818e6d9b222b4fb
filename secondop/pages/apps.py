from django.apps import AppConfig


class PagesConfig(AppConfig):
    name = "secondop.pages"
    label = "pages"
