"""mlflow/policy.yaml says what the code does; the folder holds no code that could replace the package."""

from __future__ import annotations

from typing import Any, get_args

import yaml
from fixture_evidence import NOW, evidence, laptop_params

from components.adapters import mlflow_registry
from components.core.params.kpi import EvaluationParams
from components.core.paths import project_root
from components.promotion.gate import decide
from components.promotion.ledger import Action, State
from components.promotion.succession import champion_alias, previous_alias
from components.stages.gate import tags_of

FOLDER = project_root() / "mlflow"


def policy() -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load((FOLDER / "policy.yaml").read_text("utf-8"))
    return values


def test_names_aliases_and_scopes_are_the_codes() -> None:
    stated, params = policy(), laptop_params()
    assert stated["experiment"] == params.platform.mlflow.experiment
    assert tuple(stated["scopes"]) == get_args(EvaluationParams.model_fields["scope"].annotation)
    for scope in stated["scopes"]:
        assert stated["aliases"]["champion"].format(scope=scope) == champion_alias(scope)
        assert stated["aliases"]["previous"].format(scope=scope) == previous_alias(scope)
    assert tuple(stated["ledger"]["actions"]) == get_args(Action)
    assert tuple(stated["ledger"]["states"]) == get_args(State)
    assert {mlflow_registry.WEIGHTS_TAG, mlflow_registry.EVIDENCE_TAG} <= stated["version_tags"].keys()


def test_the_gates_tags_are_all_in_the_policy() -> None:
    params = laptop_params()
    decision = decide("fastpitch", evidence(), params.kpi, params.evaluation, None, None, NOW, seed=1)
    patterns = policy()["gate_tags"]
    for tag in tags_of(decision, "1"):
        parts = tag.split(".")
        general = f"kpi.<name>.{parts[2]}" if parts[0] == "kpi" else tag
        assert general in patterns, tag


def test_the_folder_is_no_package_and_the_server_settings_hold_no_secret() -> None:
    assert not list(FOLDER.rglob("*.py"))
    settings = dict(
        line.split("=", 1)
        for line in (FOLDER / "server.env.example").read_text("utf-8").splitlines()
        if line and not line.startswith("#")
    )
    assert settings["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert settings["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] == "false"
    assert settings["MLFLOW_AUTH_ADMIN_PASSWORD"] == settings["MLFLOW_FLASK_SERVER_SECRET_KEY"] == ""
