from django.apps import AppConfig


class PagesConfig(AppConfig):
    name = "secondop.pages"
    label = "pages"

    def ready(self) -> None:
        from secondop.lib.forms import speak_plainly

        speak_plainly()
