"""deploy/nginx/ranges.conf in a real nginx: one stored range as a whole answer."""

from __future__ import annotations

import shutil
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from deploy.local.paths import ROOT
from tests.deploy.processes import free_port, wait_for

MODULE = Path("/usr/lib/nginx/modules/ngx_http_perl_module.so")
pytestmark = [
    pytest.mark.drill,
    pytest.mark.skipif(
        not shutil.which("nginx") or not MODULE.exists(), reason="nginx has no perl module"
    ),
]
KEY = "packs/4f/4f0c"
STORED = bytes(range(256)) * 4096
CONF = """
daemon off; user root; pid FOLDER/pid; load_module MODULE;
error_log FOLDER/error.log;
events { worker_connections 64; }
http {
    access_log off; sendfile on;
    client_body_temp_path FOLDER/a; proxy_temp_path FOLDER/b; fastcgi_temp_path FOLDER/c;
    uwsgi_temp_path FOLDER/d; scgi_temp_path FOLDER/e;
    perl_modules ROOT/deploy/nginx; perl_require Ranges.pm;
    server {
        listen 127.0.0.1:PORT;
        location / { proxy_pass http://127.0.0.1:APP; }
        include FOLDER/ranges.conf;
    }
    server {
        listen 127.0.0.1:APP;
        location = /frame {
            set $order "offset=1000&length=700000&before=2d2d&after=0d0a";
            add_header X-Accel-Redirect "/_ranges/KEY?$order";
            add_header Content-Security-Policy "default-src 'none'";
            add_header ETag '"one"';
            default_type "multipart/related; boundary=b";
            return 200 "";
        }
        location = /beyond {
            add_header X-Accel-Redirect "/_ranges/KEY?offset=1000000&length=700000";
            return 200;
        }
        location = /up {
            add_header X-Accel-Redirect "/_ranges/packs/../secret?offset=0&length=3";
            return 200;
        }
        location = /absent {
            add_header X-Accel-Redirect "/_ranges/packs/00/00?offset=0&length=3";
            return 200;
        }
    }
}
"""


@pytest.fixture(scope="module")
def proxy(tmp_path_factory):
    folder, port, app = tmp_path_factory.mktemp("ranges"), free_port(), free_port()
    (folder / "files/packs/4f").mkdir(parents=True)
    (folder / "files" / KEY).write_bytes(STORED)
    (folder / "files/secret").write_text("secret")
    ranges = (ROOT / "deploy/nginx/ranges.conf").read_text()
    assert "/srv/state/files" in ranges
    (folder / "ranges.conf").write_text(ranges.replace("/srv/state/files", f"{folder}/files"))
    conf = CONF
    for name, value in {"FOLDER": folder, "MODULE": MODULE, "ROOT": ROOT, "PORT": port,
                        "APP": app, "KEY": KEY}.items():  # fmt: skip
        conf = conf.replace(name, str(value))
    (folder / "nginx.conf").write_text(conf)
    process = subprocess.Popen(["nginx", "-c", str(folder / "nginx.conf"), "-e", "stderr"])

    def get(path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.headers, refused.read()

    def is_up():
        try:
            return get("/frame")[0] == 200
        except OSError:
            return False

    wait_for(is_up, seconds=10, what="nginx")
    yield get
    process.terminate()
    process.wait()


def test_a_range_is_a_whole_answer_under_the_applications_policy(proxy):
    status, headers, body = proxy("/frame")
    assert status == 200
    assert body == b"--" + STORED[1000:701_000] + b"\r\n"
    assert headers["Content-Length"] == str(len(body))
    assert headers["Content-Type"] == "multipart/related; boundary=b"
    assert headers["ETag"] == '"one"'
    assert headers["Content-Security-Policy"] == "default-src 'none'"
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(("path", "status"), [("/beyond", 410), ("/up", 404), ("/absent", 404)])
def test_what_is_not_there_is_an_error_and_not_a_short_answer(proxy, path, status):
    assert proxy(path)[0] == status


def test_nobody_gets_there_without_the_application(proxy):
    assert proxy(f"/_ranges/{KEY}?offset=0&length=3")[0] == 404
