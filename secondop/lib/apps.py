from django.apps import AppConfig


class LibConfig(AppConfig):
    name = "secondop.lib"
    label = "lib"
