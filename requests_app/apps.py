from django.apps import AppConfig


class RequestsAppConfig(AppConfig):
    name = "requests_app"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let the search for giveaways read what people write; add the report to copies."""
        from requests_app.searched_words import register_words
        from requests_app.taking_away import register_report

        register_words()
        register_report()
