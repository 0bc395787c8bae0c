"""The operator's guide names everything that a site fills in or makes, in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from manifests import OVERLAYS, PLACEHOLDERS, ROOT, pod_specs, read, unrendered

GUIDES = [ROOT / "docs" / "kubernetes.md", ROOT / "docs" / "kubernetes.ko.md"]
#: What the chart reads besides what its values name: (values key, key inside the secret).
CHART_SECRETS = ("fernetKeySecretName", "apiSecretKeySecretName", "jwtSecretName")


@pytest.fixture(params=GUIDES, ids=lambda path: path.name)
def guide(request: pytest.FixtureRequest) -> str:
    path: Path = request.param
    return path.read_text(encoding="utf-8")


def test_every_place_to_fill_in_is_in_the_guide(guide: str) -> None:
    files = [ROOT / "params.yaml", *ROOT.glob("profiles/*.yaml"), *ROOT.glob("k8s/**/*.yaml")]
    holders = [p for p in files if any(word in p.read_text(encoding="utf-8") for word in PLACEHOLDERS)]
    # replaced from site.yaml or patched by every overlay: nobody edits them
    fed = {ROOT / "k8s" / "base", ROOT / "k8s" / "components"}
    places = [p for p in holders if not any(p.is_relative_to(folder) for folder in fed)]
    assert len(places) >= 5
    assert not [str(p.relative_to(ROOT)) for p in places if f"`{p.relative_to(ROOT)}`" not in guide]


def test_every_secret_is_in_the_guide_with_its_keys(guide: str) -> None:
    manifests = [m for overlay in OVERLAYS for m in yaml.safe_load_all(unrendered(overlay)) if m]
    manifests += read(ROOT / "k8s" / "pod-template.yaml")
    manifests += _component_patches()
    wanted = {pair for _, _, spec in pod_specs(manifests) for pair in _secrets(spec)}
    values = read(ROOT / "k8s" / "airflow" / "values.yaml")[0]
    wanted |= {(values[key], "") for key in CHART_SECRETS} | {
        (values["data"]["metadataSecretName"], "connection")
    }
    assert len(wanted) >= 10
    rows = dict(re.findall(r"^\| `([a-z0-9-]+)` \| (.*)$", guide, re.MULTILINE))
    missing = [
        (name, key)
        for name, key in sorted(wanted)
        if name not in rows or (key and f"`{key}`" not in rows[name])
    ]
    assert missing == []


def test_both_languages_have_the_same_shape() -> None:
    english, korean = (path.read_text(encoding="utf-8") for path in GUIDES)
    assert len(re.findall(r"^## ", english, re.MULTILINE)) == len(re.findall(r"^## ", korean, re.MULTILINE))
    fence = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    fences = [fence.findall(text) for text in (english, korean)]
    assert fences[0]
    assert fences[0] == fences[1]


def test_the_profile_in_the_guide_loads(guide: str, tmp_path: Path) -> None:
    import shutil

    from components import catalogue

    (block,) = re.findall(r"^```yaml\n(.*?)^```", guide, re.MULTILINE | re.DOTALL)
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    (tmp_path / "profiles" / "site.yaml").write_text(block, encoding="utf-8")
    params = catalogue.load(tmp_path, "site")
    assert params.platform.airflow.launcher == "kubernetes"
    assert params.platform.profile_name == "site"


def _secrets(spec: dict) -> list[tuple[str, str]]:  # type: ignore[type-arg]
    found = []
    for container in spec["containers"]:
        references = [entry.get("valueFrom", {}).get("secretKeyRef") for entry in container.get("env", [])]
        found += [(one["name"], one["key"]) for one in references if one]
        found += [
            (one["secretRef"]["name"], "") for one in container.get("envFrom", []) if "secretRef" in one
        ]
    for volume in spec.get("volumes", []):
        if "secret" in volume:
            found += [
                (volume["secret"]["secretName"], item["key"]) for item in volume["secret"].get("items", [])
            ]
    return found


def _component_patches() -> list[dict]:  # type: ignore[type-arg]
    return [m for path in ROOT.glob("k8s/components/*/mlflow.yaml") for m in read(path)]
