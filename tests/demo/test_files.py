"""What the demo is deployed with: its entry, its settings, its requirements and the images; they agree with the program's own."""

from __future__ import annotations

import fnmatch
import json
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import grimp
import pytest
from streamlit import config as streamlit_config
from streamlit.web.server.app_discovery import discover_asgi_app

from tests.test_rules import pins

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "demo"
IMAGES = ("demo.Dockerfile", "gpu.Dockerfile")
#: Distributions that a page may not need: frameworks, the command line, and what only sends results elsewhere.
ABSENT = {"tensorflow", "keras", "torch", "torchvision", "tensorboard", "torch-tb-profiler", "xprof", "mlflow-skinny", "typer", "rich"}


def settings(folder: Path) -> dict[str, dict[str, object]]:
    return tomllib.loads((folder / ".streamlit" / "config.toml").read_text(encoding="utf-8"))


# -- entry and settings ----------------------------------------------------------------------------------------------


def test_streamlit_takes_the_entry_for_an_app_of_its_own():
    found = discover_asgi_app(DEMO / "streamlit_app.py")
    assert (found.is_asgi_app, found.import_string) == (True, "streamlit_app:app")


def test_the_entry_decides_before_anything_else_is_imported():
    text = (DEMO / "streamlit_app.py").read_text(encoding="utf-8")
    imports = [line for line in text.splitlines() if line.startswith(("import ", "from "))]
    assert imports[:3] == ["import os", "import sys", "from pathlib import Path"]
    decided = max(text.index('os.environ["SHOWDOWN_HOSTED"]'), text.index('os.environ["SHOWDOWN_HOME"]'))
    assert decided < text.index(imports[3])
    assert text.index("guard.install(") < text.index("app = App(")


def test_the_demo_looks_like_the_program():
    assert settings(DEMO)["theme"] == settings(ROOT)["theme"]


def test_no_setting_of_the_program_is_left_to_hold_for_the_demo_by_chance():
    """Both files are read where the demo is started in the project's folder."""
    own, other = settings(DEMO), settings(ROOT)
    for section in ("server", "browser", "client"):
        assert own[section].keys() >= other[section].keys()


def test_the_demo_is_open_to_everybody_within_limits():
    server, browser, client = (settings(DEMO)[section] for section in ("server", "browser", "client"))
    assert (server["address"], server["allowedHosts"], server["headless"]) == ("0.0.0.0", ["*"], True)
    assert (server["enableXsrfProtection"], server["enableCORS"], server["maxUploadSize"]) == (True, True, 60)
    assert browser["gatherUsageStats"] is False
    assert client["showErrorDetails"] == "none"


def test_every_setting_of_the_demo_exists_in_this_streamlit():
    known = set(streamlit_config.get_config_options())
    named = {f"{section}.{name}" for section, values in settings(DEMO).items() if section != "theme" for name in values}
    assert named - known == set()


# -- requirements ----------------------------------------------------------------------------------------------------


def test_what_the_demo_installs_is_what_the_program_installs():
    demo, program = pins("demo/requirements.txt"), pins("requirements.txt")
    assert {name: program.get(name) for name in demo} == demo
    assert not demo.keys() & ABSENT


def test_what_the_pages_import_is_installed_by_the_demo():
    """Everything that a page can reach, wherever in its modules the import stands."""
    graph = grimp.build_graph("pages", "core", include_external_packages=True)
    reached = {"core.workloads.registry"}
    for page in (module for module in graph.modules if module.startswith("pages")):
        reached |= {page, *graph.find_upstream_modules(page)}
    # The sides of a workload are imported by name, by their worker; of the demo's only the spec and the weights.
    assert not any(re.search(r"^core\.workloads\.\w+\.(tensorflow|pytorch)$", module) for module in reached)
    imported = {module.split(".")[0] for module in reached} - sys.stdlib_module_names - {"core", "pages"}
    providers = metadata.packages_distributions()
    wanted = {name.lower() for name in pins("demo/requirements.txt")}
    assert {module for module in imported if not wanted & {name.lower() for name in providers.get(module, [])}} == set()


# -- images ----------------------------------------------------------------------------------------------------------


def instructions(name: str) -> list[tuple[str, str]]:
    """Keyword and the rest of each instruction of a Dockerfile; lines that go on are one."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "docker" / name).read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(keyword, rest.strip()) for keyword, _, rest in (line.partition(" ") for line in lines if line.strip())]


def rest_of(name: str, keyword: str) -> list[str]:
    return [rest for word, rest in instructions(name) if word == keyword]


@pytest.mark.parametrize("name", IMAGES)
def test_everything_that_an_image_copies_is_here_and_not_ignored(name: str):
    ignored = [line for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    sources = [source for rest in rest_of(name, "COPY") for source in rest.split()[:-1]]
    assert sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert not any(fnmatch.fnmatch(source.split("/")[0], pattern) for pattern in ignored), source


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_is_built_of_what_is_pinned_and_runs_as_nobody_special(name: str):
    words = [word for word, _ in instructions(name)]
    assert set(words) <= {"FROM", "ENV", "RUN", "WORKDIR", "COPY", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "CMD"}
    [base] = rest_of(name, "FROM")
    assert re.fullmatch(r"[\w./-]+:[\w.-]+", base)
    assert not base.endswith(":latest")
    [user] = rest_of(name, "USER")
    assert user.split(":")[0] not in ("root", "0")
    assert words.index("USER") > max(place for place, word in enumerate(words) if word == "RUN")
    installs = [part.strip() for rest in rest_of(name, "RUN") for part in rest.split("&&") if "pip install" in part]
    for install in installs:
        assert "--requirement" in install or "requirements.txt" in install, install
    assert all(rest.startswith("/") for rest in rest_of(name, "WORKDIR"))


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_starts_the_entry_and_is_asked_whether_it_lives(name: str):
    [command] = rest_of(name, "CMD")
    arguments: list[str] = json.loads(command)
    assert arguments[:4] == ["python", "-m", "streamlit", "run"]
    assert arguments[4] == {"demo.Dockerfile": "demo/streamlit_app.py", "gpu.Dockerfile": "streamlit_app.py"}[name]
    port = next(argument.removeprefix("--server.port=") for argument in arguments if argument.startswith("--server.port="))
    assert rest_of(name, "EXPOSE") == [port]
    [health] = rest_of(name, "HEALTHCHECK")
    assert f"127.0.0.1:{port}/_stcore/health" in health


def test_the_demo_s_image_holds_no_framework_and_the_other_one_both():
    demo = [rest for rest in rest_of("demo.Dockerfile", "RUN") if "pip install" in rest]
    assert demo == ["python -m pip install --requirement demo/requirements.txt"]
    assert not any(rest.split()[0] == "requirements.txt" for rest in rest_of("demo.Dockerfile", "COPY"))
    assert rest_of("gpu.Dockerfile", "FROM")[0].startswith("nvidia/cuda:")
    assert rest_of("gpu.Dockerfile", "VOLUME") == ["/data"]
    assert "SHOWDOWN_HOME=/data" in rest_of("gpu.Dockerfile", "ENV")
