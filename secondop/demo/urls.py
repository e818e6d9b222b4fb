"""Routes of this app; each is declared in `access.py` too."""

from django.urls import path

from secondop.demo.views import mail

app_name = "demo"
urlpatterns = [
    path("mail/", mail.mail, name="mail"),
    path("logins/", mail.logins, name="logins"),
]
