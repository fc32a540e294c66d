"""The console in headless Chromium, for tests."""

import pytest

from browser import browser, has_chromium
from console_page import ConsolePage
from gate import ROOT

# Where it lands, an element of it would show that it was read as markup.
EVIL = "<img src=x onerror=\"window.evil=1\"><script>window.evil=1</script>'\"&"
AXE = next((ROOT / ".venv-console").glob("lib/python3*/site-packages/axe_playwright_python/axe.min.js"), None)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory, certificates):
    if not has_chromium():
        pytest.skip("There is no chromium, and config/install-deps.sh could not install it: no browser has been tried.")
    with browser(tmp_path_factory.mktemp("browser") / "browser", certificates) as chromium:
        yield chromium


@pytest.fixture
def open_console(chromium):
    """Signs in to a gateway's console with a key; without one it is that of this machine."""
    opened = []

    def open_console(gate, key=None):
        chromium.call("Network.clearBrowserCookies")
        page = ConsolePage(chromium, gate)
        opened.append(page)
        page.size(1280)
        page.sign_in(key) if key else page.open()
        page.wait("document.querySelector('nav a')")
        return page

    yield open_console
    for page in opened:
        assert page.faults() == []
