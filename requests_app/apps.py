from django.apps import AppConfig


class RequestsAppConfig(AppConfig):
    name = "requests_app"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let the search for giveaways read what people write."""
        from requests_app.searched_words import register_words

        register_words()
