"""Chromium without a window and without a network: for tests of the page, and for its picture in the README.

python -m tests.leaderboards.chromium runs/demo/board/index.html docs/board.png
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from base64 import b64decode
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.remote.webdriver import WebDriver

ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # No host name resolves, so every request fails with a line in the console.
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
MISSING = "no Chromium or no chromedriver: apt-get install chromium chromium-driver"


def start(profile: Path) -> WebDriver | None:
    """Start a browser with an empty profile; None if none is installed."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if not chromium or not driver:
        return None
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in (*ARGUMENTS, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    browser.set_page_load_timeout(30)
    browser.set_script_timeout(120)  # axe takes half a minute where other work fills the cores
    return browser


def size(browser: WebDriver, width: int, height: int, scale: float = 1) -> None:
    """Set the size of the screen, in CSS pixels."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def theme(browser: WebDriver, name: str) -> None:
    """Set the theme that the system prefers: "light" or "dark"."""
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": name}]}
    )


def photograph(page: Path, picture: Path) -> None:
    """Write a PNG of the page down to the end of the table."""
    with tempfile.TemporaryDirectory() as profile:
        browser = start(Path(profile))
        if browser is None:
            raise SystemExit(MISSING)
        try:
            size(browser, 1240, 1000, scale=1.15)
            theme(browser, "light")
            browser.get(page.resolve().as_uri())
            end = "return document.querySelector('#table .scroll').getBoundingClientRect().bottom + scrollY + 10"
            height = browser.execute_script(end)
            clip = {"x": 0, "y": 0, "width": 1240, "height": height, "scale": 1}
            options = {"format": "png", "clip": clip, "captureBeyondViewport": True}
            picture.write_bytes(b64decode(browser.execute_cdp_cmd("Page.captureScreenshot", options)["data"]))
        finally:
            browser.quit()


if __name__ == "__main__":
    photograph(Path(sys.argv[1]), Path(sys.argv[2]))
