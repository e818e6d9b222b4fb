from django.apps import AppConfig


class LibConfig(AppConfig):
    name = "secondop.lib"
    label = "lib"

    def ready(self) -> None:
        """In every process: the check of the second wall, and its ear for new connections."""
        import secondop.lib.second_wall  # noqa: F401
