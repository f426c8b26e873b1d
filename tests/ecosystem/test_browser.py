"""The page of a trace in a real browser: Chromium without a window, where it is installed."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import objfs
from objfs.observing import DATA_PLANE, SDK_PLANE, Watch
from objfs.types import ByteRange, Location
from tests.gcs_proxy import running

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
HOSTILE = '</title></svg></style><script>window.evil = 1</script><img src="x" onerror="window.evil = 1">\'"&lt;'

# Run by the page itself: what a person would see, and what went wrong.
MEASURE = """
const faults = [];
addEventListener("error", event => faults.push(String(event.message)), true);
addEventListener("securitypolicyviolation", event => faults.push(event.violatedDirective));
addEventListener("load", () => {
  const seen = name => [...document.querySelectorAll(name)].map(each => {
    const box = each.getBoundingClientRect(), style = getComputedStyle(each);
    return {name: each.getAttribute("class"), x: box.x, y: box.y, width: box.width, height: box.height,
            fill: style.fill, title: each.querySelector("title")?.textContent};
  });
  const page = document.querySelector(".objfs-trace");
  const found = {
    faults, evil: window.evil ?? null, images: document.images.length,
    bars: seen("rect.bar"), got: seen("rect.got"), unread: seen("svg rect.unread"),
    paper: getComputedStyle(page).backgroundColor, wide: document.documentElement.scrollWidth > innerWidth,
    names: [...document.querySelectorAll("h3")].map(each => each.textContent),
  };
  document.title = JSON.stringify(found);
});
"""


@pytest.fixture(scope="module")
def browser() -> str:
    """A browser on the path, or the one that ``OBJFS_CHROMIUM`` names."""
    found = os.environ.get("OBJFS_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"no Chromium: none of {', '.join(NAMES)} is on the path, and OBJFS_CHROMIUM is not set")
    return found


@pytest.fixture
def measured(browser: str, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """``measured(page)`` shows a page and measures what is on it; its own policy stays, but for one script of ours."""

    def measure(page: str, *arguments: str) -> dict[str, Any]:
        digest = base64.b64encode(hashlib.sha256(MEASURE.encode()).digest()).decode()
        assert page.count("default-src 'none'") == page.count("</title></head>") == 1
        page = page.replace("default-src 'none'", f"default-src 'none'; script-src 'sha256-{digest}'")
        path = tmp_path / "page.html"
        path.write_text(page.replace("</title></head>", f"</title><script>{MEASURE}</script></head>"), "utf-8")
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        command += [f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1200,900", *arguments]
        shown = subprocess.run(
            [*command, "--dump-dom", path.as_uri()], check=True, capture_output=True, text=True, timeout=90
        ).stdout
        title = re.search(r"<title>(\{.*?)</title>", shown, flags=re.DOTALL)
        assert title is not None, shown[:2000]
        found: dict[str, Any] = json.loads(html.unescape(title[1]))
        return found

    return measure


@pytest.fixture
def trace() -> objfs.Trace:
    """Twenty requests for two objects, one with a hostile name, on both planes, some repeated or refused."""
    with objfs.trace(telemetry=False) as found:
        for number in range(20):
            plane, key = (DATA_PLANE, "table.parquet") if number % 2 else (SDK_PLANE, HOSTILE)
            watch = Watch("GET", plane, "s3", "host", Location("bucket", key), attempt=1 + (number % 7 == 6))
            if number == 5:
                watch.end(status=503, error="ThrottledError")
            else:
                watch.end(status=206, received=1000, found=ByteRange(number * 5000, number * 5000 + 1000), size=100_000)
    return found


def test_the_page_shows_a_bar_for_each_request(trace, measured):
    """All of them on the screen, each of a size that can be seen, told apart by colour, with a title; no fault."""
    found = measured(trace.to_html())
    assert found["faults"] == []
    assert len(found["bars"]) == len(trace.requests) == 20
    assert all(bar["width"] > 0.9 and bar["height"] > 5 and 0 <= bar["x"] < 1200 for bar in found["bars"])
    assert len({(bar["x"], bar["y"]) for bar in found["bars"]}) == 20
    fills = {bar["name"]: bar["fill"] for bar in found["bars"]}
    assert len({fills["bar data"], fills["bar sdk"], fills["bar data failed"], "rgb(0, 0, 0)"}) == 4
    assert found["bars"][0]["title"].startswith("begun: +")
    assert not found["wide"]


def test_the_page_shows_as_many_bars_as_the_server_was_asked(s3_cloud, measured):
    """From the wire to the screen: a file that is read here and there, on both planes."""
    s3_cloud.raw.put(HOSTILE, bytes(1_000_000))
    with running(s3_cloud.options["endpoint_url"]) as proxy:
        through = replace(s3_cloud, options={**s3_cloud.options, "endpoint_url": proxy.endpoint})
        with objfs.trace(telemetry=False) as trace:
            for engine in ("obstore", "sdk"):
                with through.fs(engine, skip_instance_cache=True).open(s3_cloud.path(HOSTILE)) as file:
                    for at in (900_000, 400_000, 600_000):
                        file.seek(at)
                        file.read(10)
        asked = len(proxy.asked)
    found = measured(trace.to_html())
    assert found["faults"] == []
    assert len(found["bars"]) == asked >= 8
    assert {bar["name"] for bar in found["bars"]} == {"bar data", "bar sdk"}


def test_the_map_shows_where_the_bytes_lie(trace, measured):
    """What was fetched is as far from the left as it is from the beginning of the object."""
    found = measured(trace.to_html())
    assert len(found["got"]) == 19
    by_title = {each["title"].partition(" ")[0]: each["x"] for each in found["got"]}
    # Of 930 units in 1000, scaled alike.
    whole = (by_title["90000-91000"] - by_title["0-1000"]) / 90_000
    assert by_title["50000-51000"] - by_title["0-1000"] == pytest.approx(50_000 * whole, abs=1)
    assert len(found["unread"]) == 19


def test_a_hostile_name_does_nothing_in_a_browser(trace, measured):
    """It is shown as it is."""
    found = measured(trace.to_html())
    assert (found["evil"], found["images"]) == (None, 0)
    assert f"s3://bucket/{HOSTILE}" in found["names"]


@pytest.mark.parametrize(("scheme", "paper"), [(0, "rgb(21, 25, 30)"), (1, "rgb(255, 255, 255)")])
def test_the_page_is_light_or_dark_as_its_reader_likes(trace, measured, scheme, paper):
    """The colours follow the browser's."""
    assert measured(trace.to_html(), f"--blink-settings=preferredColorScheme={scheme}")["paper"] == paper
