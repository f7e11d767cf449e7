"""What a comparison ran on: the machine, and each side's interpreter, packages and switches."""

from __future__ import annotations

import hashlib
from typing import Any

#: Facts of a side that legitimately differ between frameworks, or that the variant already says.
_EXPECTED = {"event", "since_start_s", "framework", "framework_version", "keras_version", "packages", "variables"}


def side_environment(events: list[dict[str, Any]]) -> dict[str, Any]:
    """The `environment` event of a worker, with a digest of its packages; empty where it did not get so far."""
    facts = next((event for event in events if event["event"] == "environment"), None)
    if facts is None:
        return {}
    packages = "\n".join(facts.get("packages") or [])
    kept = {name: value for name, value in facts.items() if name not in ("event", "since_start_s")}
    return {**kept, "packages_sha256": hashlib.sha256(packages.encode()).hexdigest()}


def without_packages(environment: dict[str, Any]) -> dict[str, Any]:
    """The environment as a result carries it: digests instead of the lists, which `environment.json` keeps."""
    return {
        key: {name: value for name, value in facts.items() if name != "packages"} if key in ("a", "b") else facts
        for key, facts in environment.items()
    }


def differences(a: dict[str, Any], b: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What differs between the sides: rows of fact, value on A, value on B; packages and variables one by one."""
    rows = [
        (name, _text(a.get(name)), _text(b.get(name)))
        for name in sorted({*a, *b} - _EXPECTED - {"packages_sha256"})
        if a.get(name) != b.get(name)
    ]
    for group in ("variables", "packages"):
        left, right = _pairs(a.get(group)), _pairs(b.get(group))
        rows += [(f"{group}: {name}", left.get(name, "—"), right.get(name, "—"))
                 for name in sorted({*left, *right}) if left.get(name) != right.get(name)]  # fmt: skip
    return rows


def _pairs(value: Any) -> dict[str, str]:
    if isinstance(value, dict):
        return {str(name): str(item) for name, item in value.items()}
    return dict(item.split("==", 1) for item in value or [])


def _text(value: Any) -> str:
    return "—" if value is None else ", ".join(map(str, value)) if isinstance(value, list) else str(value)
