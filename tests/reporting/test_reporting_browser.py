"""The review page in a real browser, where one is installed: buttons are pressed, the state is read back."""

from __future__ import annotations

from typing import Any

import pytest
from browser import BROWSER, WITHOUT, pressed
from fakes.report_inputs import report_inputs, write_samples

from components.reporting.review_page import review_page

COUNT = 8
# Presses what a person presses, and writes what is to be seen then into the page.
PRESSES = """
<script>
const seen = {}, all = (query) => [...document.querySelectorAll(query)];
const shown = (query) => all(query).some((element) => element.offsetParent !== null);
const column = (name) => all("table.sentences tbody tr").map((row) => row.dataset[name]);
const press = (query) => document.querySelector(query).click();
addEventListener("load", async () => {
  seen.first = {korean: shown("h2 .ko"), english: shown("h2 .en"), similarity: column("similarity")};
  press("[data-set=en]");
  seen.english = {korean: shown("h2 .ko"), english: shown("h2 .en"), lang: document.documentElement.lang};
  press("[data-sort=pronunciation]"); seen.pronunciation = column("pronunciation");
  press("[data-sort=latency]"); seen.latency = column("latency");
  press("[data-sort=index]"); seen.index = column("index");
  const select = document.querySelector("select.language");
  select.value = "ja"; select.dispatchEvent(new Event("change"));
  const left = all("table.sentences tbody tr").filter((row) => !row.hidden);
  seen.japanese = left.map((row) => row.dataset.language);
  seen.pictures = all("img.spec").filter((image) => image.complete && image.naturalWidth > 0).length;
  const player = document.getElementById("player");
  const loaded = new Promise((done) => player.addEventListener("loadedmetadata", done, {once: true}));
  press(".play:not(.ref)"); await loaded;
  seen.play = {source: player.src.slice(0, 22), seconds: player.duration, paused: player.paused,
    on: all(".play.on").length, now: document.getElementById("now").textContent};
  press(".play.ref");
  seen.reference = {on: all(".play.on.ref").length, others: all(".play.on:not(.ref)").length};
  const report = document.createElement("pre"); report.id = "seen";
  report.textContent = JSON.stringify(seen); document.body.append(report);
});
</script>
</body>"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    if BROWSER is None:
        pytest.skip(WITHOUT)
    folder = tmp_path_factory.mktemp("page")
    page = review_page(report_inputs(write_samples(folder / "samples", COUNT)))
    path = folder / "검토.html"
    path.write_text(page.replace("</body>", PRESSES), encoding="utf-8")
    return pressed(BROWSER, path, folder / "profile")


def test_it_opens_in_korean_with_the_worst_first(seen: dict[str, Any]) -> None:
    assert (seen["first"]["korean"], seen["first"]["english"]) == (True, False)
    similarity = [float(value) for value in seen["first"]["similarity"]]
    assert len(similarity) == COUNT
    assert similarity == sorted(similarity)


def test_english_replaces_korean(seen: dict[str, Any]) -> None:
    assert seen["english"] == {"korean": False, "english": True, "lang": "en"}


def test_sorting_and_choosing_a_language(seen: dict[str, Any]) -> None:
    pronunciation = [float(value) for value in seen["pronunciation"]]
    assert pronunciation == sorted(pronunciation)
    latency = [float(value) for value in seen["latency"]]
    assert latency == sorted(latency, reverse=True)
    assert [int(value) for value in seen["index"]] == list(range(COUNT))
    assert seen["japanese"] == ["ja"] * (COUNT // 4)


def test_pictures_are_drawn_and_play_attaches_the_clip(seen: dict[str, Any]) -> None:
    assert seen["pictures"] == COUNT
    play = seen["play"]
    assert play["source"] == "data:audio/mpeg;base64"
    assert 0.9 < play["seconds"] < 1.2  # the browser decoded the one second that was written
    assert not play["paused"]
    assert play["on"] == 1
    assert "ko_000" in play["now"]
    assert seen["reference"] == {"on": 1, "others": 0}
