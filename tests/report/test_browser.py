"""The page in a real browser: light, dark, on a telephone and on paper, without a network."""

import json
import re
import shutil
import subprocess
from functools import cache
from html import escape, unescape

import numpy as np
import pytest
from matplotlib.image import imread

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
DARK = "--blink-settings=preferredColorScheme=0"
MEASURE = """<script>addEventListener('load', () => {
  const shown = [...document.querySelectorAll('figure img')].filter(one => getComputedStyle(one).display !== 'none');
  const measured = {
    window: innerWidth,
    page: document.documentElement.scrollWidth,
    shown: shown.map(one => [one.className, one.getBoundingClientRect().width, one.naturalWidth]),
    figures: document.querySelectorAll('figure').length,
    tables: [...document.querySelectorAll('main > section > .scroll')].map(one => [one.scrollWidth, one.clientWidth]),
    small: [...document.querySelectorAll('p, td, th, dd, dt, li, figcaption')]
      .map(one => parseFloat(getComputedStyle(one).fontSize)).reduce((a, b) => Math.min(a, b)),
    loads: performance.getEntriesByType('resource').map(one => one.name).filter(name => !name.startsWith('data:')),
  };
  parent.document.documentElement.setAttribute('data-measured', JSON.stringify(measured));
});</script>"""


def browse(page, profile, *arguments):
    command = [
        CHROMIUM,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        f"--user-data-dir={profile}",
    ]
    return subprocess.run(
        [*command, *arguments, page.as_uri()], capture_output=True, text=True, check=True, timeout=120
    ).stdout


@pytest.fixture(scope="module")
def look(html, tmp_path_factory):
    """Return what the browser measures in a frame of a width; the script is no part of the page itself.

    A frame, since the browser's own window is never narrower than 500 pixels.
    """
    folder = tmp_path_factory.mktemp("browser")
    inner = re.sub(r"<meta http-equiv[^>]*>", "", html).replace("</body>", f"{MEASURE}</body>")

    @cache
    def measure(width, *arguments):
        page = folder / "frame.html"
        frame = f'<iframe style="border:0;width:{width}px;height:900px" srcdoc="{escape(inner)}"></iframe>'
        page.write_text(f'<!doctype html><meta charset="utf-8">{frame}', "utf-8")
        found = browse(page, folder / "profile", "--window-size=1300,1000", "--dump-dom", *arguments)
        return json.loads(unescape(re.search(r'<html[^>]*data-measured="([^"]*)"', found)[1]))

    return measure


def test_a_telephone_scrolls_down_only(look):
    found = look(380)
    assert found["page"] <= found["window"] == 380
    assert found["small"] >= 12
    assert all(content <= width for content, width in found["tables"])
    slim = [width for role, width, _ in found["shown"] if role == "slim day"]
    assert len(slim) >= 4
    assert all(0 < width <= 380 for width in slim)


@pytest.mark.parametrize(("width", "dark"), [(380, True), (1200, False), (1200, True)])
def test_every_figure_shows_one_picture_and_that_of_the_screen(look, width, dark):
    found = look(width, *([DARK] if dark else []))
    assert len(found["shown"]) == found["figures"] == 6
    assert all(role.endswith("night" if dark else "day") for role, _, _ in found["shown"])
    assert all(shown > 0 and natural > 0 for _, shown, natural in found["shown"])
    assert found["loads"] == []


def test_no_table_is_cut_off_on_a_desk(look):
    found = look(1200)
    assert found["page"] <= 1200
    assert all(content <= width for content, width in found["tables"])


def test_the_page_itself_is_light_or_dark(written, tmp_path):
    corner = {}
    for name, arguments in {"light": (), "dark": (DARK,)}.items():
        browse(
            written / "report.html",
            tmp_path,
            "--window-size=600,400",
            f"--screenshot={tmp_path / name}.png",
            *arguments,
        )
        corner[name] = float(np.mean(imread(tmp_path / f"{name}.png")[5:20, 5:20, :3]))
    assert corner["light"] > 0.98
    assert corner["dark"] < 0.2


def test_it_prints_to_pdf(written, tmp_path):
    browse(written / "report.html", tmp_path, "--no-pdf-header-footer", f"--print-to-pdf={tmp_path / 'report.pdf'}")
    content = (tmp_path / "report.pdf").read_bytes()
    assert content.startswith(b"%PDF")
    assert 4 <= len(re.findall(rb"/Type\s*/Page\b", content)) <= 30
