"""The address that a local start prints and believes in."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from deploy.local import environment


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::1", "::"])
def test_this_machine_is_called_by_its_name_for_passkeys_need_one(host):
    assert environment.site_url(host, 8000) == "http://localhost:8000"


@pytest.mark.parametrize(
    ("host", "url"),
    [("192.168.1.7", "http://192.168.1.7:8000"), ("fe80::1", "http://[fe80::1]:8000")],
)
def test_another_address_is_shown_as_it_is(host, url):
    assert environment.site_url(host, 8000) == url


@pytest.mark.parametrize("host", ["127.0.0.1", "192.168.1.7"])
def test_the_site_is_among_the_allowed_hosts(host):
    site = environment.site_url(host, 8000)
    assert urlsplit(site).hostname in environment.allowed_hosts(site).split(",")


def test_it_still_listens_on_this_machine_alone(monkeypatch):
    for name in ("BIND", "PORT"):
        monkeypatch.delenv(name, raising=False)
    assert environment.address() == ("127.0.0.1", 8000)
