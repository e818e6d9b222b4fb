from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "secondop.api"
    label = "api"
