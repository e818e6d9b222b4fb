"""Celery entry points of accounts: mails to people who may not have an account yet."""

from celery import shared_task

from secondop.accounts.letters import deliver_invitation, deliver_letter
from secondop.accounts.models import InvitationMail, Letter


@shared_task(acks_late=True, ignore_result=True)
def send_letter(letter_id: str) -> None:
    """Send one letter. Safe to run twice: only the run that claims the row sends."""
    if letter := Letter.claim(letter_id):
        with letter.attempt():
            deliver_letter(letter)


@shared_task(acks_late=True, ignore_result=True)
def send_invitation(mail_id: str) -> None:
    """Send one invitation. Safe to run twice: only the run that claims the row sends."""
    if mail := InvitationMail.claim(mail_id):
        with mail.attempt():
            deliver_invitation(mail)
