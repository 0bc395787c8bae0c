"""The scheduled review: its wiring, who is told, and a real run under ``dag.test()``."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from embedded_demo import Demo, run_embedded

from components.core.params.review import NotifierParams
from components.core.paths import Workspace
from components.core.stage_graph import stage
from components.core.storage import write_json
from components.reporting.alerts import Alert
from components.stages.records import read_record

MODULES = ("kpi_report", "retrain", "_settings", "_stage", "_launching", "_alerting", "_shards")
NOTIFIER = """
from airflow.sdk import BaseNotifier

SENT = []


class Remembering(BaseNotifier):
    template_fields = ("message",)

    def __init__(self, message):
        super().__init__()
        self.message = message

    def notify(self, context):
        SENT.append(self.message)
"""


@pytest.fixture
def laptop(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("IRIS_PROFILE", "laptop")
    for name in MODULES:
        sys.modules.pop(name, None)
    yield
    for name in MODULES:
        sys.modules.pop(name, None)


def test_it_follows_every_retraining_and_the_first_of_a_month_in_seoul(laptop: None) -> None:
    import kpi_report as module
    import retrain

    schedule = repr(module.DAG.timetable)
    for word in ("'0 9 1 * *'", "timezone='Asia/Seoul'", "iris_retrained"):
        assert word in schedule
    assert [asset.name for asset in retrain.DAG.get_task("report").outlets] == ["iris_retrained"]
    assert module.DAG.get_task("report").upstream_task_ids == {"drift"}
    assert module.DAG.get_task("report").trigger_rule == "all_done"  # written although drift failed
    assert module.DAG.get_task("watch").upstream_task_ids == {"drift", "report", "tell"}
    assert module.DAG.max_active_runs == 1
    assert module.DAG.catchup is False


def test_new_alerts_reach_the_notifiers_once(
    laptop: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "remembering.py").write_text(NOTIFIER, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    import _alerting
    import remembering

    workspace = Workspace.embedded(tmp_path / "ws")
    to = [NotifierParams(notifier="remembering.Remembering", arguments={"message": "IRIS: {{ alerts }}"})]

    def tell(verdict: str, *kinds: Any) -> str:
        if kinds:
            found = [asdict(Alert(kind, "fastpitch", "떨어짐", "fell")) for kind in kinds]
            write_json(workspace.reports / "alerts.json", found)
        return _alerting.tell(verdict, workspace, to, {})

    assert "log of task report" in tell("ALERT")  # a worker that does not see the storage
    assert "[성능 하락] FastPitch (음성 합성): 떨어짐 / fell" in tell("ALERT", "regression")
    assert tell("ALERT", "regression") == ""
    assert "[데이터 변화]" in tell("ALERT", "regression", "drift")
    assert [sent.startswith("IRIS: ") for sent in remembering.SENT] == [True] * 3
    write_json(workspace.reports / "alerts.json", [])
    assert tell("QUIET") == ""


def test_a_notifier_that_is_not_there_fails_for_good(laptop: None, tmp_path: Path) -> None:
    import _alerting
    from airflow.sdk.exceptions import AirflowFailException

    workspace = Workspace.embedded(tmp_path)
    to = [NotifierParams(notifier="nobody.Knows", arguments={})]
    with pytest.raises(AirflowFailException, match=r"nobody\.Knows"):
        _alerting.tell("ALERT", workspace, to, {})


def test_on_a_fresh_platform_there_is_nothing_to_review(laptop: None, tmp_path: Path) -> None:
    import _launching
    from airflow.sdk.exceptions import AirflowSkipException

    for name in ("drift", "report"):
        with pytest.raises(AirflowSkipException, match="nothing to report"):
            _launching.skip_nothing_to_collect(stage(name), Workspace.embedded(tmp_path))


def test_a_real_run_compares_reports_and_tells(demo: Demo, tmp_path: Path) -> None:
    root = tmp_path / "ws"
    shutil.copytree(demo.workspace.root, root, ignore=shutil.ignore_patterns("features", "training"))
    done = run_embedded(root, "--review")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    workspace = Workspace.embedded(root)
    for name in ("drift", "report"):
        record = read_record(workspace, name, None)
        assert record is not None
        assert record.state == "done"
    kinds = {alert["kind"] for alert in json.loads((workspace.reports / "alerts.json").read_text())}
    assert kinds  # profile ci has no recogniser, so nothing passes; and no champion to compare data with
    assert kinds <= {"inconclusive", "missed"}
    assert (workspace.reports / "alerts.told.json").is_file()
    assert "no champion in this scope" in (workspace.reports / "review.html").read_text(encoding="utf-8")


def test_parsing_loads_no_heavy_library() -> None:
    program = (
        "import sys; sys.path.insert(0, 'dags'); import kpi_report\n"
        "print([m for m in ('torch', 'mlflow', 'great_expectations', 'scipy') if m in sys.modules])\n"
    )
    environment = {
        "IRIS_PROFILE": "laptop",
        "PATH": "/usr/bin:/bin",
        "AIRFLOW_HOME": os.environ["AIRFLOW_HOME"],
    }
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=Path(__file__).parents[2], capture_output=True, text=True,
        env=environment,
    )  # fmt: skip
    assert done.stdout.strip() == "[]", done.stderr[-2000:]
