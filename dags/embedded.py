"""``make demo``, ``make video``, ``make ui``: the very DAGs that production schedules, on this machine alone.

Airflow's home, the MLflow store, the DVC remote and every output lie in ``artifacts/demo``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from components import doctor
from components.core.errors import IrisError, StorageError
from components.core.storage import disk_faults_told

PROJECT = Path(__file__).resolve().parents[1]
_WIDTH_IN_A_FILE = 120


def configure(workspace: Path, profile: str) -> None:
    """Environment of an embedded Airflow; must run before anything imports airflow."""
    home = workspace / "airflow"
    settings = {
        "IRIS_PROJECT_ROOT": str(PROJECT),
        "IRIS_WORKSPACE": str(workspace),
        "IRIS_PROFILE": profile,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": os.environ.get(
            "IRIS_AIRFLOW_LOG", "CRITICAL"
        ),  # stages speak for themselves
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DVC_NO_ANALYTICS": "1",
        "GX_ANALYTICS_ENABLED": "false",
        "TOKENIZERS_PARALLELISM": "false",
    }
    os.environ.update(settings)
    home.mkdir(parents=True, exist_ok=True)
    sys.path.insert(0, str(PROJECT / "dags"))


def check_room(workspace: Path) -> None:
    """Refuse to begin where the disk is as good as full.

    Raises:
        StorageError: less than `doctor.FREE_GIB_TO_RUN` free; nothing was written.
    """
    free = doctor.free_gib(next(place for place in (workspace, *workspace.parents) if place.exists()))
    if free < doctor.FREE_GIB_TO_RUN:
        raise StorageError(
            who=str(workspace),
            expected=f"{doctor.FREE_GIB_TO_RUN} GiB of free space",
            found=f"{free:.1f} GiB",
            action="free some space, or choose another place with --workspace",
        )


def prepare_airflow() -> None:
    """Airflow's tables and this project's pools, made once a home."""
    import contextlib
    import io

    from airflow.models import Pool
    from airflow.utils import db
    from airflow.utils.session import create_session

    with contextlib.redirect_stdout(io.StringIO()):  # the migration's own listing tells a user nothing
        db.check_and_run_migrations() if _has_tables() else db.initdb()
    from _settings import PARAMS

    with create_session() as session:
        for name, slots in PARAMS.platform.airflow.pools.model_dump().items():
            Pool.create_or_update_pool(name, slots, f"{name} (params.yaml)", False, session=session)


def _has_tables() -> bool:
    return (Path(os.environ["AIRFLOW_HOME"]) / "airflow.db").exists()


def run_demo(models: list[str] | None, force: bool) -> int:
    """One run of the DAG under ``dag.test()``; writes summary.json; 0 when every task that had to run did."""
    started, clock = datetime.now(UTC), time.monotonic()
    prepare_airflow()
    from _settings import PARAMS, PROFILE
    from retrain import DAG
    from rich.console import Console

    from components import catalogue
    from components.core.paths import Workspace
    from components.core.storage import write_json
    from components.stages import journal, summary

    workspace = Workspace.embedded(Path(os.environ["IRIS_WORKSPACE"]))
    chosen = models or list(catalogue.trainable())
    conf = {"models": chosen, "profile": PROFILE, "force": force}
    run = DAG.test(logical_date=started, run_conf=conf)
    told = summary.summarise(
        workspace,
        PARAMS,
        journal.attempts(workspace, started.isoformat()),
        chosen,
        seconds=time.monotonic() - clock,
        setup_seconds=setup_seconds(),
    )
    write_json(workspace.root / "summary.json", told)
    console = Console()
    if not console.is_terminal:
        console.width = _WIDTH_IN_A_FILE
    console.print(summary.view(told))
    print(f"summary    {workspace.root / 'summary.json'}   ({told['seconds']:.0f} s)")
    return 0 if run.state == "success" else 1


def run_other(dag: str, force: bool) -> int:
    """One run of a DAG other than ``retrain`` under ``dag.test()``; 0 when it succeeded."""
    prepare_airflow()
    from _settings import PROFILE

    found = import_module(dag).DAG
    run = found.test(logical_date=datetime.now(UTC), run_conf={"profile": PROFILE, "force": force})
    return 0 if run.state == "success" else 1


def setup_seconds() -> float:
    """What building the environment took; 0.0 where it was not built by `make setup`."""
    try:
        return float(json.loads((Path(sys.prefix) / ".ready").read_text(encoding="utf-8"))["seconds"])
    except (OSError, ValueError, KeyError):
        return 0.0


def main() -> int:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", type=Path, default=PROJECT / "artifacts" / "demo")
    parser.add_argument("--profile", default="laptop")
    parser.add_argument("--model", action="append", dest="models")
    parser.add_argument("--force", action="store_true")
    parser.add_argument("--review", action="store_true", help="kpi_report instead of retrain")
    parser.add_argument("--ui", action="store_true")
    parser.add_argument("--video", action="store_true", help="the DAG demo_video instead of retrain")
    parser.add_argument("--experiment", action="store_true", help="the DAG gpu_experiment instead of retrain")
    arguments = parser.parse_args()
    workspace = arguments.workspace.resolve()
    try:
        check_room(workspace)
        with disk_faults_told(workspace):
            configure(workspace, arguments.profile)
            if arguments.ui:
                from _servers import serve

                return serve(workspace)
            if arguments.review:
                return run_other("kpi_report", arguments.force)
            if arguments.video:
                return run_other("demo_video", arguments.force)
            if arguments.experiment:
                return run_other("gpu_experiment", arguments.force)
            return run_demo(arguments.models, arguments.force)
    except IrisError as error:
        for line in error.lines():
            print(line, file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
