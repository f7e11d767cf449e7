"""The whole setup check: its order, its safety net, and what is said of its outcome."""

import json
from importlib import import_module

import pytest
from typer.testing import CliRunner

from core.cli import app
from core.machine import checks
from core.machine.probes.frameworks import Probe
from core.model.finding import STATUSES, Finding


def finding(**fields):
    usual = {"id": "machine.disk", "area": "machine", "title": "Disk", "status": "ok", "seen": "9 GiB", "why": "Room."}
    return Finding(**{**usual, **fields})


@pytest.fixture
def quick(monkeypatch):
    """The check without the frameworks' processes and without the two seconds."""
    monkeypatch.setattr(checks, "probe", lambda framework: Probe(framework=framework, python="python", not_started="python cannot be started."))
    monkeypatch.setattr(checks.load, "check_load", lambda: [finding(id="machine.neighbours", title="Other programs")])


def test_times_are_trusted_only_where_nothing_harms_them():
    assert not checks.trustworthy([])
    assert checks.trustworthy([finding(), finding(status="problem")])
    assert not checks.trustworthy([finding(), finding(harms_timing=True, status="warning")])


def test_markdown_has_a_table_per_area_and_survives_odd_characters():
    text = checks.as_markdown([
        finding(area="gpu", id="gpu.visible", title="NVIDIA GPU", status="note", seen="none | <b>\nno driver"),
        finding(harms_timing=True, status="warning", remedy="Free some space."),
    ])  # fmt: skip
    assert text == (
        "# Framework Showdown setup check\n\nTimes measured on this machine now cannot be trusted: Disk.\n\n"
        "## Machine\n\n| status | check | seen | remedy |\n|---|---|---|---|\n| warning | Disk | 9 GiB | Free some space. |\n\n"
        "## GPU\n\n| status | check | seen | remedy |\n|---|---|---|---|\n| note | NVIDIA GPU | none \\| &lt;b> no driver |  |\n"
    )


def test_cheap_checks_come_first_and_progress_is_told(quick):
    told = []
    findings = checks.run_checks(progress=lambda label, done, total: told.append((label, done, total)))
    assert [done for _, done, _ in told] == list(range(len(told)))
    assert told[-1] == ("done", len(told) - 1, len(told) - 1)
    areas = list(dict.fromkeys(finding.area for finding in findings))
    assert areas == ["machine", "cpu", "gpu", "tensorflow", "pytorch"]
    assert {finding.status for finding in findings} <= set(STATUSES)
    assert len({finding.id for finding in findings}) == len(findings)


def test_a_check_that_fails_is_unknown_and_harms_trust(quick, monkeypatch):
    def fail():
        raise RuntimeError("no such counter")

    monkeypatch.setattr(checks.load, "check_load", fail)
    findings = checks.run_checks()
    [broken] = [f for f in findings if f.id == "machine.check"]
    assert (broken.status, broken.harms_timing) == ("unknown", True)
    assert "RuntimeError: no such counter (test_checks.py, line" in broken.seen
    assert not checks.trustworthy(findings)
    assert any(f.area == "pytorch" for f in findings)  # the others were still made


def test_deep_is_not_tried_with_a_framework_that_does_not_start(quick, monkeypatch):
    monkeypatch.setattr(checks, "check_deep", lambda *arguments: pytest.fail("tried"))
    deep = [f for f in checks.run_checks(deep=True) if f.area == "deep"]
    assert [(f.id, f.status) for f in deep] == [("deep.tensorflow.run", "unknown"), ("deep.pytorch.run", "unknown")]


def run_doctor(monkeypatch, findings, *options):
    # By its full name: in `core.cli`, `doctor` is the function.
    monkeypatch.setattr(import_module("core.cli.doctor"), "run_checks", lambda deep, progress: findings)
    return CliRunner().invoke(app, ["doctor", *options])


def test_doctor_prints_one_json_object(monkeypatch):
    result = run_doctor(monkeypatch, [finding(harms_timing=True, status="warning")], "--json")
    printed = json.loads(result.stdout)
    assert (result.exit_code, printed["schema"], printed["trustworthy"]) == (0, 1, False)
    assert printed["findings"] == [{"id": "machine.disk", "area": "machine", "title": "Disk", "status": "warning", "seen": "9 GiB", "why": "Room.",
                                    "remedy": "", "harms_timing": True}]  # fmt: skip


def test_doctor_exits_with_1_only_for_a_problem(monkeypatch):
    bad = run_doctor(monkeypatch, [finding(status="problem", remedy="Free [some] space.")])
    assert bad.exit_code == 1
    assert "Free [some] space." in bad.stdout
    assert run_doctor(monkeypatch, [finding(status="warning"), finding(status="unknown")]).exit_code == 0


@pytest.mark.slow
def test_doctor_on_this_machine():
    result = CliRunner().invoke(app, ["doctor", "--json"])
    printed = json.loads(result.stdout)
    seen = {finding["id"]: finding["status"] for finding in printed["findings"]}
    assert result.exit_code == (1 if "problem" in seen.values() else 0)
    assert {"tensorflow.import", "pytorch.import", "profiler.tensorflow", "profiler.pytorch", "machine.neighbours", "gpu.visible"} <= seen.keys()
    assert (seen["tensorflow.import"], seen["pytorch.import"]) == ("ok", "ok")
