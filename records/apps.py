from django.apps import AppConfig


class RecordsConfig(AppConfig):
    name = "records"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register what the search for giveaways can read."""
        import records.blinding_search.sources  # noqa: F401
