"""The listening page in a real browser: keys are pressed, clips play, the file that is saved is read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from browser import BROWSER, WITHOUT, pressed
from fakes.report_inputs import write_samples
from listening_asked import ASKED

from components.core.params.review import CatchParams
from components.evaluation.listening_plan import Plan, System, Take, plan
from components.reporting.listening_ratings import read_ratings
from components.reporting.listening_sheet import clips, listening_page
from components.reporting.reading import read_sentences

SHORT = ASKED.model_copy(
    update={
        "sentences_per_language": 1,
        "abx_per_language": 1,
        "catch": CatchParams(trials=1, mos_max=2, failures_max=0),
        "raters_min": 2,
    }
)
# Sits the whole test with the keyboard; the end of a clip is told instead of waited for.
PRESSES = """
<script>
const seen = {errors: [], orders: {}};
addEventListener("error", (event) => seen.errors.push(event.message));
const press = (code, key) =>
  document.dispatchEvent(new KeyboardEvent("keydown", {code, key: key ?? code, bubbles: true}));
const hear = () => player.dispatchEvent(new Event("ended"));
addEventListener("load", async () => {
  try {
    at("rater").value = "<b>"; at("begin").click();
    seen.refused = at("rater-problem").textContent;
    at("rater").value = "P07"; at("begin").click();
    seen.total = state.order.length; seen.orders.P07 = state.order; seen.orders.P08 = order("P08");
    const loaded = new Promise((done) => player.addEventListener("loadedmetadata", done, {once: true}));
    press("Space", " "); await loaded;
    seen.source = player.src.slice(0, 23); seen.seconds = player.duration;
    press("Digit4", "4"); seen.early = record(current().trial).answer;
    hear();
    press("Digit9", "9"); seen.wrong = record(current().trial).answer;
    while (at("end").hidden) {
      const one = current();
      if (one.kind === "abx") for (const code of ["KeyQ", "KeyW", "KeyE"]) { press(code, ""); hear(); }
      else if (!complete(one)) { press("Space", " "); hear(); }
      one.kind === "abx" ? press("KeyA", "a") : press("Digit4", "4");
      press("ArrowRight");
    }
    seen.result = result(); seen.table = table(); seen.summary = at("summary").textContent;
    seen.kept = !!recall("P07") || location.protocol === "file:";
  } catch (error) { seen.errors.push(String(error)); }
  const report = document.createElement("pre"); report.id = "seen";
  report.textContent = JSON.stringify(seen); document.body.append(report);
});
</script>
</body>"""


@pytest.fixture(scope="module")
def sat(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, str]:
    samples = read_sentences(write_samples(tmp_path_factory.mktemp("samples") / "s", 4, seconds=0.5))
    takes = {
        one.sentence_id: Take(one.sentence_id, one.language, one.audio, one.reference)
        for one in samples
        if one.audio
    }
    test = plan([System("a", takes), System("b", takes)], SHORT, 3)
    return test, listening_page(test, clips(test, SHORT))


@pytest.fixture(scope="module")
def seen(sat: tuple[Plan, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    if BROWSER is None:
        pytest.skip(WITHOUT)
    folder = tmp_path_factory.mktemp("page")
    path = folder / "청취.html"
    path.write_text(sat[1].replace("</body>", PRESSES), encoding="utf-8")
    return pressed(BROWSER, path, folder / "profile")


def test_a_clip_is_heard_before_it_is_rated_and_only_by_the_scale(seen: dict[str, Any]) -> None:
    assert seen["errors"] == []
    assert seen["refused"]
    assert seen["source"] == "data:audio/flac;base64,"
    assert 0.45 < seen["seconds"] < 0.55
    assert seen["early"] == ""
    assert seen["wrong"] == ""


def test_each_rater_has_an_order_of_the_same_trials(seen: dict[str, Any]) -> None:
    mine, other = seen["orders"]["P07"], seen["orders"]["P08"]
    assert mine != other
    assert sorted(mine) == sorted(other)
    assert all(trial.startswith("m") for trial in mine[: seen["total"] - 5])  # 4 pairs and a catch come last


def test_what_it_saves_is_what_is_read(seen: dict[str, Any], sat: tuple[Plan, str], tmp_path: Path) -> None:
    test = sat[0]
    (tmp_path / "a.json").write_text(json.dumps(seen["result"]), encoding="utf-8")
    (tmp_path / "a.csv").write_text(seen["table"], encoding="utf-8")
    (by_json,), (by_csv,) = (read_ratings([tmp_path / name], test.test_id) for name in ("a.json", "a.csv"))
    assert by_json == by_csv
    assert by_json.rater == "P07"
    assert set(by_json.answers.values()) == {"4", "A"}
    assert set(by_json.answers) == {one.trial for one in (*test.mos, *test.abx)}
