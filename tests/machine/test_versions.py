"""Versions of the frameworks, asked without importing them."""

from __future__ import annotations

import stat
import sys
from importlib import metadata
from pathlib import Path

import pytest

from core.machine.versions import framework_versions


def test_versions_are_those_that_are_installed_and_nothing_is_imported():
    found = framework_versions()
    assert found["tensorflow/tensorflow"] == metadata.version("tensorflow")
    assert found["pytorch/torch"] == metadata.version("torch")
    assert "torch" not in sys.modules


def test_an_interpreter_of_its_own_is_asked_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\necho \'{"torch": "1.0"}\'\n')
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("SHOWDOWN_PYTHON_PYTORCH", str(python))
    found = framework_versions()
    assert found["pytorch/torch"] == "1.0"
    assert "pytorch/numpy" not in found


def test_an_interpreter_that_does_not_start_has_no_versions(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SHOWDOWN_PYTHON_PYTORCH", "/nowhere/python")
    assert not any(name.startswith("pytorch/") for name in framework_versions())
