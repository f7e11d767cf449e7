"""A comparison with everything that a real one leaves, its bundle, and bundles that somebody tampered with."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from core.model.comparison import ComparisonSpec
from core.model.run import RunSpec
from core.store.bundle import pack, unpack
from core.store.bundle_check import LIMITS, BundleError, Limits
from core.store.comparisons import ComparisonStore
from core.store.files import append_event, write_json
from core.store.privacy import Redactor
from tests.pages import samples

DATA = Path(__file__).parents[1] / "traces" / "data"
ALICE = Redactor(users=("alice",), hosts=("build-box",), homes=("/home/alice",))
MADE = datetime(2026, 11, 28, tzinfo=UTC)
Files = dict[str, bytes]


def make(store: ComparisonStore) -> ComparisonSpec:
    """A finished comparison with everything that a real one leaves, made by alice on build-box."""
    spec = samples.new(store)
    result = samples.finish(store, spec)
    folder = store.folder(spec.id)
    for name in ("referee.lock", "referee.log", "runs/00-a/log.txt", "runs/00-a/parity.npz"):
        (folder / name).write_bytes(b"alice")
    layer = {"name": "dense", "kind": "Linear", "shape": [10], "parameters": 110}
    write_json(folder / "parity.json", {"schema": 1, "stages": [], "layers": {"a": [layer]}})
    append_event(folder / "events.jsonl", "state", time=spec.created, state="finished", where="/home/alice on build-box")
    run = RunSpec(index=0, role="pair", side="a", pair=0, workload=spec.workload, variant=spec.a, batch_size=64, learning_rate=0.1, seed=1,
                  inputs="/home/alice/inputs.npz", folder=str(folder), steps=81)  # fmt: skip
    write_json(folder / "runs" / "00-a" / "spec.json", asdict(run))
    write_json(folder / "runs" / "00-a" / "result.json", result.runs[0])
    kineto = json.loads(gzip.decompress((DATA / "pytorch_eager.pt.trace.json.gz").read_bytes()))
    profile = folder / "runs" / "12-a" / "profile"
    profile.mkdir(parents=True)
    kineto["traceName"] = "/home/alice/profile/build-box_7.json"
    (profile / "build-box_7.1764.pt.trace.json.gz").write_bytes(gzip.compress(json.dumps(kineto).encode()))
    xplane = folder / "runs" / "13-b" / "profile" / "plugins" / "profile" / "2026_11_28_01_02_03"
    xplane.mkdir(parents=True)
    # Field 4 of an XSpace is the name of the host.
    recorded = gzip.decompress((DATA / "tensorflow_graph.xplane.pb.gz").read_bytes())
    (xplane / "build-box.xplane.pb").write_bytes(recorded + b"\x22\x09build-box")
    return spec


def packed(store: ComparisonStore, *specs: ComparisonSpec) -> bytes:
    return pack([store.load(spec.id) for spec in specs], ALICE, MADE)


def content(data: bytes) -> Files:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(files: Files, *, listed: bool = True, change: Callable[[zipfile.ZipInfo], None] = lambda info: None) -> bytes:
    """A zip of these files; `listed`: with a table of contents that fits them."""
    if listed:
        contents = json.loads(files["bundle.json"])
        contents["files"] = [{"path": path, "size_bytes": len(data), "sha256": sha256(data).hexdigest()}
                             for path, data in files.items() if path != "bundle.json"]  # fmt: skip
        files = {**files, "bundle.json": json.dumps(contents).encode()}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files.items():
            info = zipfile.ZipInfo(path)
            info.compress_type = zipfile.ZIP_DEFLATED
            change(info)
            archive.writestr(info, data)
    return out.getvalue()


def refuse(data: bytes | Path, other: ComparisonStore, words: str, limits: Limits = LIMITS) -> None:
    """It is refused in one sentence, and nothing is left of it."""
    with pytest.raises(BundleError) as refused:
        unpack(data, other, name="it.zip", redactor=ALICE, limits=limits)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert list(other.root.iterdir() if other.root.exists() else ()) == []


def edit(files: Files, path: str, **fields: object) -> None:
    """Other values for some fields of a JSON file."""
    files[path] = json.dumps({**json.loads(files[path]), **fields}).encode()
