"""Rules of the house that no linter can say; `make check` runs the linters, with the import contracts in pyproject.toml."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import grimp
import pytest
from streamlit import config as streamlit_config

from core.worker.experiments.shared.optional import OPTIONAL

ROOT = Path(__file__).resolve().parents[1]
FRAMEWORKS = ("tensorflow", "keras", "torch", "torchvision")
STANDARD_LIBRARY = sys.stdlib_module_names


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("core", include_external_packages=True)


def imported_outside(graph: grimp.ImportGraph, package: str) -> set[str]:
    """What the modules of a package import from anywhere else: distributions by name, other packages of core as `core.x`."""
    inside = {package, *graph.find_descendants(package)}
    outside = {name for module in inside for name in graph.find_modules_directly_imported_by(module)} - inside
    return {".".join(name.split(".")[: 2 if name.startswith("core.") else 1]) for name in outside} - STANDARD_LIBRARY


def test_the_model_needs_the_standard_library_alone(graph: grimp.ImportGraph) -> None:
    assert imported_outside(graph, "core.model") == set()


def test_a_worker_runs_in_any_interpreter_with_numpy_and_its_framework(graph: grimp.ImportGraph) -> None:
    known = {"core.model", "core.workloads"}
    # Experiments may ask for more, inside their functions, and say what is missing where it is.
    worker = imported_outside(graph, "core.worker") - OPTIONAL.keys() - {"tensorboard"}
    assert worker <= {*known, "numpy", "tensorflow", "keras", "torch", "torchvision"}
    assert imported_outside(graph, "core.workloads") <= {*known, "numpy", "tensorflow", "keras", "torch", "torchvision"}


def test_what_may_be_absent_is_imported_by_experiments_alone_and_never_at_the_top(graph: grimp.ImportGraph) -> None:
    found: set[str] = set()
    for module in OPTIONAL.keys() & graph.modules:
        for importer in graph.find_modules_that_directly_import(module):
            assert importer.startswith("core.worker.experiments.")
            source = (ROOT / Path(*importer.split("."))).with_suffix(".py").read_text(encoding="utf-8")
            assert not re.search(rf"^(import|from) {module}\b", source, re.MULTILINE)
            found.add(module)
    assert found >= {"onnxruntime", "ai_edge_litert", "executorch"}


def test_what_may_be_absent_is_pinned_in_a_file_of_its_own() -> None:
    assert pins("requirements-exports.txt").keys() == set(OPTIONAL.values())


def test_the_app_process_holds_no_framework_and_core_no_streamlit(graph: grimp.ImportGraph) -> None:
    """Everything of core that is not one framework's side, imported for real."""
    modules = sorted(
        module
        for module in graph.modules
        if module.startswith("core.") and not module.endswith((".tensorflow", ".pytorch", "__main__"))
    )
    assert "core.bench" in modules
    code = (
        "import importlib, sys\n"
        f"for module in {modules!r}: importlib.import_module(module)\n"
        f"print(*[name for name in {(*FRAMEWORKS, 'streamlit')!r} if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout.split()) == (0, []), found.stderr


def pins(name: str) -> dict[str, str]:
    """Version by distribution, as one requirements file pins it."""
    lines = (line.partition("#")[0].strip() for line in (ROOT / name).read_text(encoding="utf-8").splitlines())
    wanted = [line for line in lines if line and not line.startswith("-r ")]
    unpinned = [line for line in wanted if not re.fullmatch(r"[\w.-]+==[\w.]+", line)]
    assert unpinned == []
    return dict(line.split("==") for line in wanted)


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_requirement_is_pinned_and_is_what_runs_here(name: str) -> None:
    wanted = pins(name)
    assert wanted
    assert {distribution: metadata.version(distribution) for distribution in wanted} == wanted


def test_everything_core_imports_is_required(graph: grimp.ImportGraph) -> None:
    """A package that happens to come with another one would be gone the day that one changes its mind."""
    required = {distribution.lower() for distribution in pins("requirements.txt")}
    providers = metadata.packages_distributions()
    imported = {module.split(".")[0] for module in graph.modules} - STANDARD_LIBRARY - {"core"} - OPTIONAL.keys()
    assert {module for module in imported if not required & {name.lower() for name in providers.get(module, [])}} == set()


def test_every_setting_of_the_app_exists_in_this_streamlit() -> None:
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))

    def names(table: dict[str, object], prefix: str = "") -> set[str]:
        found = set()
        for key, value in table.items():
            found |= names(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key}
        return found

    known = set(streamlit_config.get_config_options())
    assert names(settings) - known == set()
    assert settings["server"]["address"] == "127.0.0.1"
    assert settings["browser"]["gatherUsageStats"] is False


def test_colours_can_be_told_from_their_background_in_both_themes() -> None:
    """Chart colours reach 3:1 against their background (WCAG 2.2, 1.4.11), text 7:1; the accent is both, so it is in the middle."""
    themes = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]
    for theme in (themes["light"], themes["dark"]):
        background = theme["backgroundColor"]
        assert contrast(theme["textColor"], background) >= 7
        assert min(contrast(theme["primaryColor"], ground) for ground in ("#ffffff", background)) >= 4.2
        assert min(contrast(colour, background) for colour in theme["chartCategoricalColors"]) >= 3
    assert len(themes["light"]["chartCategoricalColors"]) == len(themes["dark"]["chartCategoricalColors"])


def contrast(one: str, other: str) -> float:
    """WCAG 2.2 contrast ratio of two colours written as #rrggbb."""
    darker, lighter = sorted(map(luminance, (one, other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
