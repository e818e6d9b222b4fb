"""A real browser on the real site: signing in, looking, and the promises every page keeps."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from PIL import Image

os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright keeps a loop running

ROOT = Path(__file__).parents[2]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
SCREENSHOTS = ROOT / "docs" / "screenshots"
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in Path(item.path).parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not chromium:
        pytest.fail("The browser tests need Chromium: install it, or set CHROMIUM to its path.")
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update",
             "--disable-sync"]  # fmt: skip
    return {"executable_path": chromium, "args": quiet}


@pytest.fixture(scope="session")
def browser_context_args() -> dict[str, Any]:
    return {"viewport": DESKTOP, "locale": "en-US", "timezone_id": "America/New_York"}


def keep_picture(png: bytes, name: str) -> None:
    """Write a picture for the docs in few colours, so that a repository can hold it."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    small = Image.open(io.BytesIO(png)).convert("RGB").quantize(48)
    small.save(SCREENSHOTS / name, optimize=True)


@dataclass
class Visitor:
    """One person at one browser. Collects what a browser complains about."""

    page: Any
    site: str
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on("response", self._answered)

    def _heard(self, message: Any) -> None:
        if message.type == "error" and "status of 4" not in message.text:
            self.complaints.append(f"console: {message.text}")

    def _answered(self, response: Any) -> None:
        if response.status >= 500:
            self.complaints.append(f"{response.status} at {response.url}")

    def sign_in(self, user: Any) -> Visitor:
        """Put a session of `user` into the browser, as the sign-in page would."""
        client = Client()
        client.force_login(user)
        value = client.cookies[settings.SESSION_COOKIE_NAME].value
        self.page.context.clear_cookies()
        self.page.context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": self.site}]
        )
        return self

    def go(self, path: str) -> Visitor:
        self.page.goto(self.site + path)
        return self

    def look(self, name: str = "", *, both: bool = True) -> Visitor:
        """Check the page as it stands at both widths; save pictures when `name` is given."""
        for width, label in ((DESKTOP, "desktop"), (PHONE, "phone")) if both else ((None, ""),):
            if width:
                self.page.set_viewport_size(width)
                self.page.wait_for_timeout(80)
            self.promises_kept()
            if name and label and os.environ.get("SCREENSHOTS") == "1":
                keep_picture(self.page.screenshot(full_page=True), f"{name}-{label}.png")
        self.page.set_viewport_size(DESKTOP)
        return self

    def promises_kept(self) -> None:
        """No accessibility violation, no sideways scrolling, nothing the browser complained of."""
        wide = self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert wide <= 0, f"{self.page.url} scrolls sideways by {wide} px"
        assert not self.complaints, self.complaints
        assert not self.violations(), self.page.url

    def violations(self) -> list[str]:
        if not self.page.evaluate("'axe' in window"):  # the same page at another width has it
            self.page.evaluate(AXE.read_text())
        found = self.page.evaluate(
            "tags => axe.run({runOnly: {type: 'tag', values: tags}})", AXE_TAGS
        )["violations"]
        return [
            f"{v['id']}: {v['help']} at {[n['target'] for n in v['nodes'][:3]]} in {self.page.url}"
            for v in found
        ]


@pytest.fixture
def visitor(context: Any, live_server: Any, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    """A visitor at the live site. With LAST_LOOK set, the last page of each test is kept there."""
    page = context.new_page()
    yield Visitor(page, live_server.url)
    if folder := os.environ.get("LAST_LOOK"):
        page.screenshot(path=Path(folder) / f"{request.node.originalname}.png", full_page=True)
    page.close()


@pytest.fixture
def as_user(visitor: Visitor) -> Callable[[Any], Visitor]:
    return visitor.sign_in
