"""What is needed to run Breakeven elsewhere: the container file, the chart and the unit say what the documentation promises.

Their formats' own linters (hadolint, Helm, systemd-analyze) find nothing, and find something in files that are wrong.
"""

from __future__ import annotations

import configparser
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import helm_python as helm
import jsonschema_rs
import pytest
import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "helm" / "breakeven"
TEMPLATES = sorted((CHART / "templates").glob("*.yaml"))
UNIT = ROOT / "deploy" / "systemd" / "breakeven.service"
RECOMMENDED = 1
"""Helm's severities: 1 recommended, 2 warning, 3 error."""
BIN = Path(sys.executable).parent
EVERYTHING: dict[str, object] = {
    "image": {"repository": "registry.example/breakeven", "tag": "9.9"},
    "imagePullSecrets": [{"name": "pull"}],
    "replicas": 3,
    "workers": 2,
    "config": "providers: {openai: {}}",
    "secrets": ["breakeven"],
    "storage": {"size": "500Gi", "className": "fast"},
    "serviceAccount": {"annotations": {"role": "ledger"}},
    "podAnnotations": {"scrape": "true"},
    "nodeSelector": {"disk": "local"},
    "tolerations": [{"operator": "Exists"}],
    "affinity": {"podAntiAffinity": {}},
}


def _instructions() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n\s*", " ", (ROOT / "deploy" / "Containerfile").read_text())
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines)]


def test_the_container_is_nobody_special() -> None:
    """The last stage runs as a numbered user that is not root, after which nothing is installed; only locked packages get in."""
    found = _instructions()
    final = found[max(at for at, (name, _) in enumerate(found) if name == "FROM") :]
    user = next(rest for name, rest in final if name == "USER")
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)
    names = [name for name, _ in final]
    assert "RUN" not in names[names.index("USER") :]
    assert all("pip" not in rest for name, rest in final if name == "RUN")
    assert any("--require-hashes" in rest for name, rest in found if name == "RUN")
    assert not any(word in rest for name, rest in found if name == "RUN" for word in ("curl", "wget", "apt-get", "npm"))


def _hadolint(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([BIN / "hadolint", "--no-color", path], capture_output=True, text=True, check=False)


def test_hadolint_finds_nothing(tmp_path: Path) -> None:
    """The container file passes its linter, which does find a last user that is root."""
    found = _hadolint(ROOT / "deploy" / "Containerfile")
    assert (found.returncode, found.stdout) == (0, "")
    wrong = tmp_path / "Containerfile"
    wrong.write_text((ROOT / "deploy" / "Containerfile").read_text().replace("USER 10001:10001", "USER root"))
    assert "DL3002" in _hadolint(wrong).stdout


def test_the_container_is_given_the_lock_and_the_wheel_only() -> None:
    """Nothing else of the repository, no ledger and no configuration with names of keys, can get into the image."""
    lines = (ROOT / "deploy" / "Containerfile.dockerignore").read_text().split()
    assert lines == ["*", "!requirements/runtime.txt", "!dist/*.whl"]


def test_the_values_fit_their_schema() -> None:
    """The chart's defaults are valid, a misspelt name is not, and every value that a template uses is declared."""
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    schema = json.loads((CHART / "values.schema.json").read_text())
    jsonschema_rs.validate(schema, values)
    with pytest.raises(jsonschema_rs.ValidationError):
        jsonschema_rs.validate(schema, values | {"replica": 2})
    used = {match for path in TEMPLATES for match in re.findall(r"\.Values\.([A-Za-z.]+)", path.read_text())}
    for name in used:
        node = values
        for part in name.split("."):
            assert part in node, name
            node = node[part]


def _objects(values: dict[str, object]) -> dict[str, dict[str, Any]]:
    """The chart as Helm would apply it, by kind and name."""
    with helm.Chart.load(CHART) as chart:
        documents = [
            yaml.safe_load_all(text)
            for name, text in chart.render(values, name="x", namespace="prod").items()
            if name.endswith(".yaml")
        ]
    return {f"{each['kind']} {each['metadata']['name']}": each for found in documents for each in found}


@pytest.mark.parametrize("values", [{}, EVERYTHING], ids=["defaults", "every value"])
def test_helm_finds_nothing(values: dict[str, object]) -> None:
    """`helm lint --strict` has nothing to say, whatever is set; what it only recommends (an icon) is left out."""
    report = helm.lint(CHART, values, strict=True)
    assert report["total_charts_linted"] == 1
    assert [each for each in (*report["messages"], *report["errors"]) if each["severity"] > RECOMMENDED] == []


def test_helm_refuses_a_misspelt_value() -> None:
    """The chart's schema, as Helm applies it, names the value."""
    with pytest.raises(helm.HelmValuesError, match="replica"):
        _objects({"replica": 2})


@pytest.mark.parametrize("values", [{}, EVERYTHING], ids=["defaults", "every value"])
def test_the_pod_is_nobody_special(values: dict[str, object]) -> None:
    """What Helm renders: the expected objects; a pod without root, privilege, capabilities or token, with a read-only root."""
    objects = _objects(values)
    services = ["Service x-breakeven", "Service x-breakeven-pods", "ServiceAccount x-breakeven"]
    assert sorted(objects) == ["ConfigMap x-breakeven", *services, "StatefulSet x-breakeven"]
    pod = objects["StatefulSet x-breakeven"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert (pod["securityContext"]["runAsNonRoot"], pod["automountServiceAccountToken"]) == (True, False)
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    assert {each["name"] for each in container["volumeMounts"]} == {"ledger", "config", "temporary"}


def test_every_value_arrives() -> None:
    """Each value that can be set is where Kubernetes looks for it, and a changed configuration restarts the pods."""
    objects, plain = _objects(EVERYTHING), _objects({})
    stateful = objects["StatefulSet x-breakeven"]["spec"]
    pod, (container,) = stateful["template"]["spec"], stateful["template"]["spec"]["containers"]
    assert (stateful["replicas"], container["image"]) == (3, "registry.example/breakeven:9.9")
    assert container["envFrom"] == [{"secretRef": {"name": "breakeven"}}]
    assert "2" in container["args"]
    assert pod["imagePullSecrets"] == [{"name": "pull"}]
    assert (pod["nodeSelector"], pod["tolerations"]) == ({"disk": "local"}, [{"operator": "Exists"}])
    claim = stateful["volumeClaimTemplates"][0]["spec"]
    assert (claim["storageClassName"], claim["resources"]["requests"]["storage"]) == ("fast", "500Gi")
    assert objects["ConfigMap x-breakeven"]["data"]["breakeven.yaml"].strip() == "providers: {openai: {}}"
    assert objects["ServiceAccount x-breakeven"]["metadata"]["annotations"] == {"role": "ledger"}
    annotations = [each["StatefulSet x-breakeven"]["spec"]["template"]["metadata"]["annotations"] for each in (objects, plain)]
    assert annotations[0]["checksum/config"] != annotations[1]["checksum/config"]
    assert annotations[0]["scrape"] == "true"


def test_the_charts_configuration_is_one(tmp_path: Path) -> None:
    """The default `config` of the chart is read without a fault or a warning."""
    from breakeven.settings import load_settings  # noqa: PLC0415 - the one test that needs it

    path = tmp_path / "breakeven.yaml"
    path.write_text(yaml.safe_load((CHART / "values.yaml").read_text())["config"])
    assert load_settings(path).warnings == ()


def test_versions_agree() -> None:
    """Chart and package have one version."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version is not None
    assert chart["appVersion"] == version[1]


def test_the_unit_keeps_the_service_in() -> None:
    """The unit has a user of its own, may write its state only, is restarted, reloaded by SIGHUP, and given time to end."""
    unit = configparser.RawConfigParser(strict=False, allow_no_value=True)
    unit.optionxform = str  # type: ignore[method-assign,assignment] # names in units are case-sensitive
    unit.read(UNIT)
    service = unit["Service"]
    wanted = {
        "DynamicUser": "yes", "ProtectSystem": "strict", "NoNewPrivileges": "yes", "CapabilityBoundingSet": "",
        "Restart": "always", "StateDirectory": "breakeven", "StateDirectoryMode": "0700",
    }  # fmt: skip
    assert {name: service[name] for name in wanted} == wanted
    assert "-HUP" in service["ExecReload"]
    assert int(service["TimeoutStopSec"]) > 30
    assert "serve" in service["ExecStart"]


def _analyzed(verb: str, path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", verb, *options, path], capture_output=True, text=True, check=False)


def test_systemd_finds_nothing(tmp_path: Path) -> None:
    """It reads every line of the unit and counts an exposure of at most 2.0 of 10; a misspelt line it does find."""
    unit = tmp_path / "breakeven.service"
    text = UNIT.read_text().replace("/opt/breakeven/bin", str(BIN))
    unit.write_text(text)
    found = _analyzed("verify", unit)
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")
    secure = _analyzed("security", UNIT, "--offline=true", "--threshold=20")
    assert secure.returncode == 0, secure.stdout
    unit.write_text(text.replace("ProtectHome=", "ProtectHouse="))
    assert "ProtectHouse" in _analyzed("verify", unit).stderr
