from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "secondop.demo"
    label = "demo"
