"""What is needed to run Breakeven elsewhere: the container file, the chart and the unit say what the documentation promises.

`helm`, `hadolint` and `systemd-analyze` check the same files too (docs/operating/deploy.md); these tests need none.
"""

from __future__ import annotations

import configparser
import json
import re
from pathlib import Path

import jsonschema_rs
import pytest
import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "helm" / "breakeven"
TEMPLATES = sorted((CHART / "templates").glob("*.yaml"))


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


def _rendered(path: Path) -> list[dict[str, object]]:
    """A template with its expressions taken for text: enough to see structure and constants."""
    lines = []
    for line in path.read_text().splitlines():
        if re.fullmatch(r"\s*\{\{-? *(with|range|end|if|else|include|toYaml|\.Values\.config).*\}\}", line):
            if "include" in line or "toYaml" in line:
                lines.append(re.sub(r"\{\{.*\}\}", "rendered: true", line))
            continue
        lines.append(re.sub(r"\{\{.*?\}\}", "rendered", line))
    return [each for each in yaml.safe_load_all("\n".join(lines)) if each]


def test_templates_are_kubernetes_objects() -> None:
    """Each document has a kind and a name; balanced expressions; the pod has no root, no privilege and a read-only root."""
    documents = [each for path in TEMPLATES for each in _rendered(path)]
    assert sorted(str(each["kind"]) for each in documents) == ["ConfigMap", "Service", "Service", "ServiceAccount", "StatefulSet"]
    for path in TEMPLATES:
        text = path.read_text()
        assert len(re.findall(r"\{\{-? *(?:if|with|range|define)\b", text)) == len(re.findall(r"\{\{-? *end\b", text)), path.name
    pod = yaml.safe_load(
        (CHART / "templates" / "statefulset.yaml").read_text().partition("securityContext:\n")[2].partition("containers:")[0]
    )
    assert (pod["runAsNonRoot"], pod["seccompProfile"]) == (True, {"type": "RuntimeDefault"})
    text = (CHART / "templates" / "statefulset.yaml").read_text()
    for promise in ("readOnlyRootFilesystem: true", "allowPrivilegeEscalation: false", "capabilities: {drop: [ALL]}"):
        assert promise in text


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
    unit.read(ROOT / "deploy" / "systemd" / "breakeven.service")
    service = unit["Service"]
    wanted = {
        "DynamicUser": "yes", "ProtectSystem": "strict", "NoNewPrivileges": "yes", "CapabilityBoundingSet": "",
        "Restart": "always", "StateDirectory": "breakeven", "StateDirectoryMode": "0700",
    }  # fmt: skip
    assert {name: service[name] for name in wanted} == wanted
    assert "-HUP" in service["ExecReload"]
    assert int(service["TimeoutStopSec"]) > 30
    assert "serve" in service["ExecStart"]
