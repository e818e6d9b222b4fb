"""Log lines never hold an address that is a key itself."""

from __future__ import annotations

import logging

import pytest
from django.conf import settings

from secondop.lib.logs import without_secret_links


def line(message: str, *args: object) -> str:
    record = logging.LogRecord("django.request", logging.WARNING, "", 1, message, args, None)
    assert without_secret_links().filter(record)
    return record.getMessage()


@pytest.mark.parametrize(
    "path",
    ["/account/invitation/S3cret-key/", "/account/confirm-email/MQ:1abc:xyz/",
     "/account/password/reset/key/1-c0ffee-abc/"],
)  # fmt: skip
def test_the_secret_part_is_left_out(path):
    shown = line("%s: %s", "Too Many Requests", path)
    assert shown == f"Too Many Requests: {path.rsplit('/', 2)[0]}/..." + "/"


def test_every_other_line_stays_as_it_is():
    assert line("Not Found: %s", "/account/join/") == "Not Found: /account/join/"


def test_the_one_handler_has_the_filter():
    assert settings.LOGGING["handlers"]["console"]["filters"] == ["links"]
    assert settings.LOGGING["root"]["handlers"] == ["console"]
