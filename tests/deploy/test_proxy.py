"""The clinic's nginx.conf in a real nginx, between an application and a store that nginx plays.

Both are further servers of the same nginx: what is proven is how ours treats their answers.
"""

from __future__ import annotations

import os
import re
import shutil
import ssl
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.message import Message
from pathlib import Path

import pytest

from deploy.local.paths import ROOT
from tests.deploy.processes import free_port, wait_for

pytestmark = [
    pytest.mark.drill,
    pytest.mark.skipif(not shutil.which("nginx"), reason="nginx is not installed"),
]

POLICY = "default-src 'none'; sandbox"
STORED = b"%PDF-1.7 stored bytes, " * 1000

# The application says yes to one file; the store has it and says things of its own about it.
OTHERS = """
    server {
        listen 127.0.0.1:APP;
        location = /open {
            add_header X-Accel-Redirect "/_stored/secondop/documents/4f/4f0c?X-Amz-Signature=abc";
            add_header Content-Security-Policy "POLICY";
            add_header Content-Disposition "inline; filename=record-3.pdf";
            add_header Cache-Control "no-store";
            add_header ETag '"random-per-object"';
            default_type application/pdf;
            return 200 "";
        }
        location / { return 200 "$http_host|$http_x_forwarded_for|$http_x_forwarded_proto"; }
    }
    server {
        listen 127.0.0.1:STORE;
        location /secondop/ {
            if ($arg_X-Amz-Signature != abc) { return 403; }
            if ($http_host != store:8333) { return 403; }
            if ($http_cookie) { return 400; }
            add_header Content-Disposition "attachment; filename=original-name.pdf";
            add_header Set-Cookie "store=1";
            default_type text/html;
            root FOLDER/bucket;
        }
    }
"""


class Proxy:
    """nginx with our configuration; only addresses and paths are put in place."""

    def __init__(self, folder: Path) -> None:
        self.http, self.https, app, self.store = (free_port() for _ in range(4))
        others = OTHERS.replace("POLICY", POLICY).replace("FOLDER", str(folder))
        others = others.replace("APP", str(app)).replace("STORE", str(self.store))
        conf = (ROOT / "deploy/nginx/nginx.conf").read_text()
        for ours, here in (
            ("/tmp/", f"{folder}/tmp/"),  # first: the other paths here lie below it
            ("listen 8080", f"listen 127.0.0.1:{self.http}"),
            ("listen 8443 ssl;", f"listen 127.0.0.1:{self.https} ssl;"),
            ("http2 on;", ""),  # a directive younger than some distributions' nginx
            ("http://web:8000", f"http://127.0.0.1:{app}"),
            ("http://store:8333", f"http://127.0.0.1:{self.store}"),
            ("/run/secrets", str(folder / "secrets")),
            ("/srv/static", str(folder / "static")),
            ("/dev/stdout", str(folder / "access.log")),
        ):
            assert ours in conf, ours
            conf = conf.replace(ours, here)
        conf = re.sub(r"\n}\s*\Z", f"{others}\n}}\n", conf)
        user = (
            "user root;\n" if os.geteuid() == 0 else ""
        )  # else its workers cannot enter the folder
        (folder / "nginx.conf").write_text(f"daemon off;\n{user}{conf}")
        (folder / "tmp").mkdir()
        (folder / "static").mkdir()
        (folder / "static" / "page.css").write_text("body {}")
        (folder / "bucket/secondop/documents/4f").mkdir(parents=True)
        (folder / "bucket/secondop/documents/4f/4f0c").write_bytes(STORED)
        make_secrets = [ROOT / "deploy" / "make-secrets", folder / "secrets"]
        subprocess.run(make_secrets, check=True, capture_output=True)
        self.folder = folder
        command = ["nginx", "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
        with (folder / "said.txt").open("w") as said:
            self.process = subprocess.Popen(command, stderr=said)

    def get(self, path: str, **headers: str) -> tuple[int, Message, bytes]:
        url = f"https://127.0.0.1:{self.https}{path}"
        untrusted = ssl._create_unverified_context()  # the stand-in certificate
        request = urllib.request.Request(url, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=10, context=untrusted) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.headers, refused.read()

    def etag_of_the_store(self) -> str:
        """Ask the store itself, as the proxy does."""
        url = f"http://127.0.0.1:{self.store}/secondop/documents/4f/4f0c?X-Amz-Signature=abc"
        request = urllib.request.Request(url, headers={"Host": "store:8333"})
        with urllib.request.urlopen(request, timeout=5) as answer:
            return str(answer.headers["ETag"])

    def is_up(self) -> bool:
        assert self.process.poll() is None, (self.folder / "said.txt").read_text()
        try:
            return self.get("/")[0] == 200
        except OSError:
            return False


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    folder = Path(tempfile.mkdtemp(prefix="secondop-proxy-"))
    proxy = Proxy(folder)
    try:
        wait_for(proxy.is_up, seconds=15, what="nginx answers")
        yield proxy
    finally:
        proxy.process.terminate()
        proxy.process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


class TestProxy:
    def test_a_stored_file_leaves_with_the_applications_words_about_it(self, proxy: Proxy) -> None:
        status, headers, body = proxy.get("/open", Cookie="session=secret")
        assert (status, body) == (200, STORED)
        assert headers["Content-Type"] == "application/pdf"
        assert headers.get_all("Content-Disposition") == ["inline; filename=record-3.pdf"]
        assert headers.get_all("Content-Security-Policy") == [POLICY]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers.get_all("Cache-Control") == ["no-store"]
        assert headers["Set-Cookie"] is None
        assert headers["X-Accel-Redirect"] is None

    def test_the_stores_hash_neither_leaves_nor_answers_a_guess(self, proxy: Proxy) -> None:
        _, headers, _ = proxy.get("/open")
        assert headers.get_all("ETag") == ['"random-per-object"']
        assert headers["Last-Modified"] is None
        hidden = proxy.etag_of_the_store()
        assert hidden not in str(headers)
        for question in ("If-None-Match", "If-Match", "If-Range"):
            right, wrong = (
                proxy.get("/open", **{question: guess, "Range": "bytes=0-9"})
                for guess in (hidden, '"wrong"')
            )
            assert (right[0], right[2]) == (wrong[0], wrong[2]), question

    def test_a_part_of_a_stored_file_can_be_asked_for(self, proxy: Proxy) -> None:
        status, headers, body = proxy.get("/open", Range="bytes=5-104")
        assert (status, body) == (206, STORED[5:105])
        assert headers["Content-Range"] == f"bytes 5-104/{len(STORED)}"

    def test_the_inner_address_is_closed_to_everybody_outside(self, proxy: Proxy) -> None:
        path = "/_stored/secondop/documents/4f/4f0c?X-Amz-Signature=abc"
        status, _, body = proxy.get(path)
        assert status == 404
        assert b"PDF" not in body

    def test_what_a_client_claims_about_itself_is_replaced(self, proxy: Proxy) -> None:
        claims = {
            "X-Forwarded-For": "10.9.8.7",
            "X-Forwarded-Proto": "http",
            "Host": "clinic.example",
        }
        _, _, body = proxy.get("/", **claims)
        assert body == b"clinic.example|127.0.0.1|https"

    def test_static_files_are_kept_by_browsers(self, proxy: Proxy) -> None:
        status, headers, body = proxy.get("/static/page.css")
        assert (status, body) == (200, b"body {}")
        assert headers["Content-Type"] == "text/css"
        assert "immutable" in headers["Cache-Control"]

    def test_plain_http_is_sent_to_https(self, proxy: Proxy) -> None:
        class Stay(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, *_: object) -> None:
                return None

        opener = urllib.request.build_opener(Stay)
        with pytest.raises(urllib.error.HTTPError) as refused:
            opener.open(f"http://127.0.0.1:{proxy.http}/jobs/?page=2", timeout=5)
        assert refused.value.code == 301
        assert refused.value.headers["Location"] == "https://127.0.0.1/jobs/?page=2"
        refused.value.close()

    def test_the_access_log_holds_no_query(self, proxy: Proxy) -> None:
        proxy.get(
            "/search?q=canary", Referer="https://x.example/canary", **{"User-Agent": "canary"}
        )
        log = proxy.folder / "access.log"
        wait_for(lambda: "/search" in log.read_text(), seconds=5, what="the line is written")
        assert "canary" not in log.read_text()

    def test_nor_an_address_that_is_a_key(self, proxy: Proxy) -> None:
        for folder in ("invitation", "confirm-email", "password/reset/key"):
            proxy.get(f"/account/{folder}/canary-token/")
            proxy.get(f"/account/%69nvitation/../{folder}/canary-token/")
        proxy.get("/account/join/")
        log = proxy.folder / "access.log"
        wait_for(lambda: "/account/join/" in log.read_text(), seconds=5, what="the line is written")
        assert "canary-token" not in log.read_text()
