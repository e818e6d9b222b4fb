"""Every connection to a peer begins here: the address is looked up, judged, and then dialled.

SECURITY: what is judged is what is dialled: the name is resolved once, so that a name server
cannot answer differently the second time. Redirects come through here again.
"""

from __future__ import annotations

import ipaddress
import json
import socket
import ssl
from http.client import IncompleteRead
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from records.models import Peer
from records.transfers.secrets import unseal
from secondop.jobs.models import PermanentFailure, TemporaryFailure

CONNECT_SECONDS, READ_SECONDS = 10, 60
MAX_ANSWER_BYTES = 64 * 1024**2  # of a search; images are streamed
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# Where machines of a cloud get their own passwords. Nobody's archive is there, inside or not.
METADATA = {
    ipaddress.ip_address(one)
    for one in ("169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16",
                "192.0.0.192", "fd00:ec2::254")
}  # fmt: skip
NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Forbidden(PermanentFailure):
    """The address is one that we do not talk to."""

    def __init__(self) -> None:
        super().__init__("address_forbidden")


def _bare(address: Address) -> Address:
    """An IPv4 address that is dressed up as an IPv6 one."""
    if isinstance(address, ipaddress.IPv6Address):
        if inner := address.ipv4_mapped or address.sixtofour:
            return inner
        if address in NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def may_dial(text: str, *, is_inside: bool) -> bool:
    """Whether this numeric address may be dialled; `is_inside`: in our own network, too."""
    address = _bare(ipaddress.ip_address(text.partition("%")[0]))
    if address in METADATA or address.is_link_local or address.is_multicast:
        return False
    if address.is_unspecified or (address.is_reserved and not address.is_loopback):
        return False
    return address.is_global or is_inside


def resolve(host: str, port: int, *, is_inside: bool) -> list[tuple[socket.AddressFamily, Any]]:
    """Numeric addresses of a host. Raises Forbidden if even one of them may not be dialled."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        raise TemporaryFailure("peer_unknown_name") from None
    places: list[tuple[socket.AddressFamily, Any]] = [(row[0], row[4]) for row in found]
    if not all(may_dial(str(place[0]), is_inside=is_inside) for _family, place in places):
        raise Forbidden
    return places


def _dial(connection: Any, *, is_inside: bool) -> socket.socket:
    error: OSError | None = None
    for family, place in resolve(connection.host, connection.port or 0, is_inside=is_inside):
        one = socket.socket(family, socket.SOCK_STREAM)
        one.settimeout(CONNECT_SECONDS)
        try:
            one.connect(place)
        except OSError as exc:
            one.close()
            error = exc
        else:
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            one.settimeout(READ_SECONDS)
            return one
    if isinstance(error, TimeoutError):
        raise ConnectTimeoutError(connection, "timeout")
    raise NewConnectionError(connection, "refused")


class _Inside:
    """Connections of urllib3 that dial through the guard; `Outside` ones refuse private places."""

    IS_INSIDE = True

    def _new_conn(self) -> socket.socket:
        return _dial(self, is_inside=self.IS_INSIDE)


class _Outside(_Inside):
    IS_INSIDE = False


def _pools(guard: type) -> dict[str, Any]:
    """The kinds of connection that a manager may open, all of them behind the guard."""
    plain = type("Plain", (guard, HTTPConnection), {})
    sealed = type("Sealed", (guard, HTTPSConnection), {})
    return {
        "http": type("PlainPool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
        "https": type("SealedPool", (HTTPSConnectionPool,), {"ConnectionCls": sealed}),
    }


INSIDE, OUTSIDE = _pools(_Inside), _pools(_Outside)


class Guarded(HTTPAdapter):
    """SECURITY: no request of a peer leaves by another adapter."""

    def __init__(self, peer: Peer) -> None:
        self._pools = INSIDE if peer.is_inside else OUTSIDE
        self._needs_tls = peer.uses_tls
        self._tls = tls_of(peer) if peer.uses_tls else None
        super().__init__(max_retries=0)

    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **_: Any
    ) -> None:
        more: Any = {"ssl_context": self._tls} if self._tls else {}
        self.poolmanager = PoolManager(connections, maxsize=maxsize, block=block, **more)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """The context of `tls_of` decides alone."""

    def build_connection_pool_key_attributes(
        self, request: Any, verify: Any, cert: Any = None
    ) -> Any:
        host, pool = super().build_connection_pool_key_attributes(request, True, None)
        return host, {key: pool[key] for key in pool if not key.startswith(("ca_", "cert_reqs"))}

    def send(self, request: Any, stream: bool = False, **more: Any) -> requests.Response:  # type: ignore[override]
        if self._needs_tls and not request.url.lower().startswith("https:"):
            raise Forbidden  # a redirect that would take the password to the open
        more["timeout"] = (CONNECT_SECONDS, READ_SECONDS)
        more["proxies"] = None
        response = super().send(request, stream=True, **more)
        if not stream:  # an answer is read whole, but never without bound
            body = bytearray()
            for block in response.iter_content(65536):
                body += block
                if len(body) > MAX_ANSWER_BYTES:
                    response.close()
                    raise PermanentFailure("answer_too_large")
            response._content = bytes(body)  # type: ignore[attr-defined]
        return response


def tls_of(peer: Peer) -> ssl.SSLContext:
    """Checks the peer's certificate, against its own authority when one was given."""
    context = ssl.create_default_context()
    if peer.ca_certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            context.load_verify_locations(cadata=peer.ca_certificate)
        except (ssl.SSLError, ValueError):
            raise PermanentFailure("certificate_unreadable") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def session_of(peer: Peer, adapter_class: type[Guarded] = Guarded) -> requests.Session:
    """With the peer's credentials; the machine's own proxies and password files are left alone."""
    session = requests.Session()
    session.trust_env, session.max_redirects = False, 3
    session.mount("https://", adapter := adapter_class(peer))
    session.mount("http://", adapter)
    if peer.secret:
        told = json.loads(unseal(peer.secret))
        if token := told.get("token"):
            session.headers["Authorization"] = f"Bearer {token}"
        elif user := told.get("user"):
            session.auth = (user, told.get("password", ""))
    return session


def failure_of(error: BaseException) -> Exception:
    """One short code for whatever a connection can die of."""
    for one in _chain(error):
        if isinstance(one, TemporaryFailure | PermanentFailure):
            return one
        if isinstance(one, ssl.SSLCertVerificationError):
            return PermanentFailure("certificate_not_trusted")
        if isinstance(one, TimeoutError | requests.Timeout):
            return TemporaryFailure("peer_hangs")
        if isinstance(one, IncompleteRead):
            return TemporaryFailure("answer_cut_off")
        if isinstance(one, requests.HTTPError) and one.response is not None:
            return _failure_of_status(one.response.status_code)
    return TemporaryFailure("peer_away")


def _chain(error: BaseException | None) -> list[BaseException]:
    """An error and what is wrapped in it: requests wraps what urllib3 wraps what ssl raised."""
    found: list[BaseException] = []
    while error is not None and error not in found and len(found) < 8:
        found.append(error)
        first = error.args[0] if error.args else None
        inner = getattr(first, "reason", first)
        inner = getattr(error, "reason", None) if not isinstance(inner, BaseException) else inner
        following = inner if isinstance(inner, BaseException) else None
        error = following or error.__cause__ or error.__context__
    return found


def _failure_of_status(status: int) -> Exception:
    if status in (401, 403):
        return PermanentFailure("peer_refuses_us")
    if status == 404:
        return PermanentFailure("peer_not_there")
    if status in (400, 406, 415):
        return PermanentFailure("peer_cannot")
    return TemporaryFailure("peer_fails")
