"""How a notification leaves the house: e-mail without health data, or the inbox alone."""

from smtplib import SMTPException, SMTPRecipientsRefused

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils.translation import gettext as _
from django.utils.translation import override

from secondop.jobs.models import PermanentFailure, TemporaryFailure
from secondop.notifications.messages import CATALOGUE
from secondop.notifications.models import Notification


def send(notification: Notification) -> None:
    """Send by the row's channel. Raises TemporaryFailure or PermanentFailure with a code."""
    if notification.channel == Notification.Channel.INBOX:
        return
    hand_over(_email(notification))


def hand_over(mail: EmailMessage) -> None:
    """Give one mail to the mail server. Raises TemporaryFailure or PermanentFailure."""
    try:
        mail.send()
    except SMTPRecipientsRefused as exc:
        raise PermanentFailure("address refused") from exc
    except (SMTPException, OSError) as exc:
        raise TemporaryFailure(f"mail: {type(exc).__name__}") from exc


def _email(notification: Notification) -> EmailMessage:
    wording = CATALOGUE[notification.message]
    person = notification.to
    with override(person.language):
        lines = [
            str(wording.sentence),
            f"{settings.SITE_URL}{notification.path}",
            _("This mail holds no health information. Sign in to read more."),
        ]
        subject = str(wording.subject)
    return EmailMessage(
        subject=f"{subject} ({notification.reference})" if notification.reference else subject,
        body="\n\n".join(lines) + "\n",
        to=[person.email],
        # One event, one message id: a mail server that sees it twice can drop the second.
        headers={"Message-ID": f"<{notification.pk}@{settings.MAIL_DOMAIN}>"},
    )
