"""What other programs look at hubgate with: a Grafana dashboard, Prometheus' alerts and their runbook, and traces that go on."""

import json
import re
import shutil
import subprocess

import pytest
import yaml

from fakehub import http
from gate import ROOT, run

NAME = re.compile(r"\b(?:hubgate|process)_[a-z_]+\b")
# Of Prometheus' own.
SUFFIX = re.compile(r"_(?:bucket|sum|count)$")


@pytest.fixture(scope="module")
def metrics(tmp_path_factory):
    directory = tmp_path_factory.mktemp("print")
    return set(re.findall(r"`((?:hubgate|process)_[a-z_]+)`", run(directory, "--print-docs", "metrics").stdout))


def check(expression, metrics):
    names = {SUFFIX.sub("", name) if name not in metrics else name for name in NAME.findall(expression)}
    assert names and names <= metrics, (expression, names - metrics)


def test_each_metric_of_the_dashboard_is_one_of_the_table(metrics):
    dashboard = json.loads((ROOT / "config/grafana/hubgate.json").read_text())
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert len(expressions) >= 20
    for expression in expressions:
        check(expression, metrics)
        assert expression.count("(") == expression.count(")")


def test_each_alert_is_of_metrics_that_there_are_and_has_a_paragraph_in_the_runbook(metrics):
    groups = yaml.safe_load((ROOT / "config/prometheus/alerts.yaml").read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) >= 8 and len({rule["alert"] for rule in rules}) == len(rules)
    runbook = (ROOT / "docs/alerts.md").read_text()
    headings = re.findall(r"^## (\w+)\n\n(\S.+)", runbook, re.MULTILINE)
    assert {name for name, _ in headings} == {rule["alert"] for rule in rules}
    for rule in rules:
        if rule["alert"] != "HubgateDown":
            check(rule["expr"], metrics)
        assert rule["annotations"]["runbook"] == f"docs/alerts.md#{rule['alert'].lower()}" and rule["labels"]["severity"] in ("page", "ticket")


@pytest.mark.skipif(not shutil.which("promtool"), reason="there is no promtool (Debian's package prometheus)")
def test_promtool_takes_the_alerts():
    done = subprocess.run(["promtool", "check", "rules", ROOT / "config/prometheus/alerts.yaml"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_trace_goes_on_to_the_hub_as_it_came(start_before, hub):
    """https://www.w3.org/TR/trace-context: who has no part in a trace passes it on."""
    hub.on("/api/models/acme/m", lambda *_: http(200, b"{}"))
    gate = start_before(hub)
    parent, state = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", b"congo=t61rcWkgMzE,rojo=00f067aa0ba902b7"
    gate.ask(b"GET /api/models/acme/m HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\ntraceparent: " + parent + b"\r\ntracestate: " + state + b"\r\n\r\n")
    [seen] = [entry for entry in hub.requests if entry.target == "/api/models/acme/m"]
    assert seen["traceparent"] == parent.decode() and seen["tracestate"] == state.decode()
