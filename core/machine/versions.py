"""Which versions of the frameworks this machine would run, without importing them."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata

from core.machine.interpreter import framework_python
from core.model.variant import FRAMEWORKS

#: Distributions that decide what a framework computes and how fast.
DISTRIBUTIONS = {"tensorflow": ("tensorflow", "keras", "numpy"), "pytorch": ("torch", "torchvision", "numpy")}
_LIMIT_S = 30.0
_CODE = """
import json, sys
from importlib import metadata
found = {}
for name in sys.argv[1:]:
    try:
        found[name] = metadata.version(name)
    except metadata.PackageNotFoundError:
        pass
print(json.dumps(found))
"""


def framework_versions() -> dict[str, str]:
    """Version by `framework/distribution`, of each framework's own interpreter; what is not installed there is left out."""
    found: dict[str, str] = {}
    for framework in FRAMEWORKS:
        python = framework_python(framework)
        names = DISTRIBUTIONS[framework]
        versions = _here(names) if python == sys.executable else _there(python, names)
        found |= {f"{framework}/{name}": version for name, version in versions.items()}
    return found


def _here(names: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _there(python: str, names: tuple[str, ...]) -> dict[str, str]:
    """Of another interpreter; nothing where it cannot be asked, which its own runs will say in their own words."""
    try:
        done = subprocess.run([python, "-c", _CODE, *names], capture_output=True, text=True, timeout=_LIMIT_S, check=True)
        versions: dict[str, str] = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return {}
    return versions
