"""SMART App Launch, standalone: where to sign in, the address to send the patient to, the tokens.

By hand, since every request must leave through our guarded sessions: a library for OAuth would
bring sessions of its own. HL7 SMART App Launch 2.2.0, RFC 6749, 7636 (PKCE), 9207 (iss).
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.urls import reverse

from records.ehr.client import (
    ID,
    MAX_PAGE_BYTES,
    Fhir,
    NotGiven,
    SignInEnded,
    body_of,
    origin,
)
from records.ehr.searches import scopes_of
from records.models import Ehr
from records.transfers.secrets import unseal
from secondop.jobs.models import PermanentFailure, TemporaryFailure

OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"


def redirect_uri() -> str:
    """Must be registered at the hospital, letter by letter."""
    return str(settings.SITE_URL) + reverse("records:ehr_back")


def discover(fhir: Fhir, ehr: Ehr) -> dict[str, str]:
    """authorize, token, issuer and scopes. Raises PermanentFailure when it has no SMART."""
    told = _asked(fhir, ".well-known/smart-configuration")
    if not told.get("authorization_endpoint"):
        told = _of_capabilities(_asked(fhir, "metadata"))
    authorize, token = (
        str(told.get(name) or "") for name in ("authorization_endpoint", "token_endpoint")
    )
    if not authorize or not token:
        raise PermanentFailure("ehr_no_smart")
    for url in (authorize, token):
        scheme = urlsplit(url).scheme.lower()
        # SECURITY: a link for the patient and the way of a token: nothing but https, except
        # where the administrator let plain http in for a server of one's own network.
        if scheme != "https" and origin(url)[:2] != ("http", origin(ehr.address)[1]):
            raise PermanentFailure("ehr_no_smart")
    methods = told.get("code_challenge_methods_supported")
    if methods is not None and "S256" not in methods:
        raise PermanentFailure("ehr_no_smart")
    can = told.get("capabilities") or []
    second = "permission-v2" in can and "permission-v1" not in can
    scopes = ehr.scopes or scopes_of(second_version=second, offline=ehr.asks_offline)
    return {"authorize": authorize, "token": token, "scopes": scopes,
            "issuer": str(told.get("issuer") or "")}  # fmt: skip


def _asked(fhir: Fhir, path: str) -> dict[str, Any]:
    try:
        return fhir.get(fhir.address(path))
    except (NotGiven, SignInEnded, ValueError):  # ValueError: a web page, where JSON is due
        return {}


def _of_capabilities(told: dict[str, Any]) -> dict[str, Any]:
    """The older way: an extension in the CapabilityStatement."""
    names = {"authorize": "authorization_endpoint", "token": "token_endpoint"}
    for rest in told.get("rest") or []:
        for extension in (rest.get("security") or {}).get("extension") or []:
            if extension.get("url") == OAUTH_URIS:
                inner = extension.get("extension") or []
                return {names[o["url"]]: o.get("valueUri") for o in inner if o.get("url") in names}
    return {}


def new_verifier() -> str:
    return secrets.token_urlsafe(48)


def challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def sign_in_address(ehr: Ehr, told: dict[str, str], *, state: str, verifier: str) -> str:
    """Where the patient signs in. It leads back to `redirect_uri` and nowhere else."""
    query = urlencode({
        "response_type": "code", "client_id": ehr.client_id, "redirect_uri": redirect_uri(),
        "scope": told["scopes"], "state": state, "aud": ehr.address.rstrip("/"),
        "code_challenge": challenge_of(verifier), "code_challenge_method": "S256",
    })  # fmt: skip
    mark = "&" if urlsplit(told["authorize"]).query else "?"
    return f"{told['authorize']}{mark}{query}"


def exchange(fhir: Fhir, ehr: Ehr, token_url: str, *, code: str, verifier: str) -> dict[str, str]:
    """A code against tokens and the id of the patient there."""
    told = _ask_tokens(fhir, ehr, token_url, {
        "grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri(),
        "code_verifier": verifier,
    })  # fmt: skip
    patient = told.get("patient")
    if not isinstance(patient, str) or not ID.fullmatch(patient):
        raise PermanentFailure("ehr_no_patient")
    return _tokens(told) | {"patient": patient}


def renew(fhir: Fhir, ehr: Ehr, token_url: str, refresh: str) -> dict[str, str]:
    told = _ask_tokens(
        fhir, ehr, token_url, {"grant_type": "refresh_token", "refresh_token": refresh}
    )
    return {"refresh": refresh} | _tokens(told)


def _tokens(told: dict[str, Any]) -> dict[str, str]:
    access, kind = told.get("access_token"), str(told.get("token_type", ""))
    if not isinstance(access, str) or not access or kind.lower() != "bearer":
        raise PermanentFailure("ehr_sign_in_failed")
    refresh = told.get("refresh_token")
    return {"access": access} | ({"refresh": refresh} if isinstance(refresh, str) else {})


def _ask_tokens(fhir: Fhir, ehr: Ehr, url: str, form: dict[str, str]) -> dict[str, Any]:
    """SECURITY: without the token of the session; the secret goes by HTTP Basic alone."""
    secret = json.loads(unseal(ehr.secret)).get("client_secret", "") if ehr.secret else ""
    more: dict[str, Any] = {"headers": {"Accept": "application/json"}, "stream": True}
    if secret:
        more["auth"] = (ehr.client_id, secret)
    else:
        form = form | {"client_id": ehr.client_id}
        more["headers"]["Authorization"] = None  # type: ignore[index]
    with fhir.session.post(url, data=form, allow_redirects=False, **more) as answer:
        if answer.status_code >= 500:
            raise TemporaryFailure("peer_fails")
        if answer.status_code != 200:
            raise PermanentFailure("ehr_sign_in_again")
        told = json.loads(body_of(answer, MAX_PAGE_BYTES))
    return told if isinstance(told, dict) else {}
