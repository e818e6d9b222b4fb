"""Seeds of second factors stand encrypted in their rows, and outlive a change of SECRET_KEY."""

import json
from importlib import import_module

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.apps import apps
from django.core.management import call_command

from records.models import Peer
from records.transfers.secrets import seal, unseal
from secondop.accounts.seeds import PURPOSE
from secondop.jobs.models import PermanentFailure
from secondop.lib.ciphers import KeyLost, decrypted, encrypted
from tests.factories import ClinicFactory, UserFactory
from tests.secondop.accounts.people import SECRET, code, with_app

pytestmark = pytest.mark.django_db
FORMER, PRESENT = "a former key of this installation", "the key it has now"


def totp_of(user):
    return TOTP(Authenticator.objects.get(user=user, type=Authenticator.Type.TOTP))


def told_by_the_database():
    return json.dumps(list(Authenticator.objects.values_list("data", flat=True)))


class TestInTheDatabase:
    def test_neither_an_app_nor_recovery_codes_can_be_used_by_who_reads_it(self):
        user = with_app(UserFactory())
        codes = RecoveryCodes.activate(user)
        assert SECRET not in told_by_the_database()
        assert codes.instance.data["seed"].startswith("gAAAA")
        assert totp_of(user).validate_code(code())
        assert codes.validate_code(codes.generate_codes()[0])

    def test_the_migration_takes_what_stands_there_as_it_is_once(self):
        user = UserFactory()
        rows = [
            Authenticator.objects.create(user=user, type="totp", data={"secret": SECRET}),
            Authenticator.objects.create(
                user=user, type="recovery_codes", data={"migrated_codes": ["one", "two"]}
            ),
            Authenticator.objects.create(user=user, type="webauthn", data={"name": "key"}),
        ]
        migration = import_module("secondop.accounts.migrations.0004_encrypt_seeds")
        migration.encrypt(apps, None)
        once = told_by_the_database()
        migration.encrypt(apps, None)
        assert told_by_the_database() == once
        for row in rows:
            row.refresh_from_db()
        assert totp_of(user).validate_code(code())
        told = [decrypted(each, PURPOSE) for each in rows[1].data["migrated_codes"]]
        assert told == ["one", "two"]
        assert rows[2].data == {"name": "key"}


class TestANewSecretKey:
    @pytest.fixture(autouse=True)
    def _under_the_former(self, settings):
        settings.SECRET_KEY = FORMER
        self.user = with_app(UserFactory())
        RecoveryCodes.activate(self.user)
        self.peer = Peer.objects.create(
            clinic=ClinicFactory(), added_by=self.user, title="Archive", kind="dicomweb",
            address="https://pacs.example.org",
            secret=seal("a password"),
        )  # fmt: skip
        settings.SECRET_KEY = PRESENT

    def test_codes_work_while_the_former_one_is_named(self, settings):
        settings.SECRET_KEY_FALLBACKS = [FORMER]
        assert totp_of(self.user).validate_code(code())

    def test_the_former_one_can_be_forgotten_after_encrypting_again(self, settings, capsys):
        settings.SECRET_KEY_FALLBACKS = [FORMER]
        call_command("encrypt_again")
        assert capsys.readouterr().out == "encrypted again: 3\n"
        settings.SECRET_KEY_FALLBACKS = []
        assert totp_of(self.user).validate_code(code())
        self.peer.refresh_from_db()
        assert unseal(self.peer.secret) == "a password"

    def test_without_it_no_code_is_right_and_the_command_says_how_many_are_lost(self, capsys):
        before = told_by_the_database()
        assert not totp_of(self.user).validate_code(code())
        with pytest.raises(PermanentFailure):
            unseal(self.peer.secret)
        with pytest.raises(SystemExit):
            call_command("encrypt_again")
        said = capsys.readouterr()
        assert said.out == "encrypted again: 0\n"
        assert said.err.startswith("3 could not be opened")
        assert told_by_the_database() == before


def test_one_purpose_does_not_open_what_another_one_closed():
    token = encrypted("a password", "this")
    assert decrypted(token, "this") == "a password"
    with pytest.raises(KeyLost):
        decrypted(token, "that")
