from django.apps import AppConfig


class SpecialistsConfig(AppConfig):
    name = "specialists"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Wire the project's one upward fact: a request that ends early recalls its referrals."""
        from requests_app.signals import request_closed
        from specialists.receivers import recall_open_referrals

        request_closed.connect(recall_open_referrals)
