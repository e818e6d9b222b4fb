from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "secondop.notifications"
    label = "notifications"
    default_auto_field = "django.db.models.BigAutoField"
