"""Building what the demo shows: the same numbers, no names, nothing left to decode, and never more than it may hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.model.hosted import HOSTED_VARIABLE
from core.store.claims import ClaimStore
from core.store.comparisons import ComparisonStore
from core.store.files import StoreError, write_json
from core.store.privacy import Redactor
from core.store.sweeps import SweepStore
from core.traces.cache import digest, load_facts
from core.traces.library import TraceLibrary
from core.traces.read import find_profile
from demo import record as script
from tests.demo.shown import Shown, contents, write_store
from tests.pages import samples
from tests.pages.apps import open_page, words

CARLA = Redactor(users=("carla",), hosts=("buildbox",), homes=("/home/carla",))


@pytest.fixture
def shown(home: Path, spacious: None) -> Shown:
    """A store of which some words say whose it is."""
    written = write_store()
    store = ComparisonStore()
    result = store.load(written.comparison).result
    assert result is not None
    machine = {**result.environment["machine"], "python_path": "/home/carla/python", "kernel": "Linux of carla on buildbox"}
    write_json(store.folder(written.comparison) / "result.json", replace(result, environment={**result.environment, "machine": machine}))
    (store.folder(written.comparison) / "referee.log").write_text("carla was here\n", encoding="utf-8")
    ClaimStore().save(replace(written.claim, reason="Seen in /home/carla/results on buildbox.", comparisons=(written.comparison,)))
    return written


def test_what_was_recorded_shows_the_same_numbers_without_a_name_and_writes_nothing(
    shown: Shown, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    to = tmp_path / "recorded"
    notes = script.record(home, [shown.comparison], to=to, claims=True, sweeps=[shown.sweep], redactor=CARLA)
    assert notes == []
    before, after = ComparisonStore(home).load(shown.comparison).result, ComparisonStore(to).load(shown.comparison).result
    assert before is not None
    assert after is not None
    assert replace(after, environment={}) == replace(before, environment={})
    assert ClaimStore(to).load("widens").result == replace(shown.claim, reason="Seen in ~/results on host.", comparisons=(shown.comparison,))
    sweep = SweepStore(to).load(shown.sweep)
    assert sweep.state == "finished"
    assert {cell.comparison for cell in sweep.cells.values()} < set(ComparisonStore(to).ids())
    for path in to.rglob("*"):
        assert "carla" not in path.name
        if path.is_file() and path.suffix not in (".parquet", ".gz"):
            text = path.read_bytes()
            assert b"carla" not in text, path
            assert b"buildbox" not in text, path

    monkeypatch.setenv("SHOWDOWN_HOME", str(to))
    monkeypatch.setenv(HOSTED_VARIABLE, "1")
    written = contents(to)
    for page in ("overview", "compare", "kernels", "timeline"):
        assert "No profile of side" not in words(open_page(page, comparison=shown.comparison))
    assert contents(to) == written


def test_profiles_are_decoded_and_the_smallest_of_each_framework_is_in_the_library(shown: Shown, home: Path, tmp_path: Path):
    to = tmp_path / "recorded"
    script.record(home, [shown.comparison], to=to, redactor=CARLA)
    library = TraceLibrary(to / "traces")
    assert sorted(entry.name for entry in library.all()) == ["mnist_cnn-pytorch.pt.trace.json.gz", "mnist_cnn-tensorflow.xplane.pb"]
    one = ComparisonStore(to).load(shown.comparison)
    for index, side in ((22, "a"), (23, "b")):
        assert load_facts(library.root / digest(find_profile(one.run_folder(index, side) / "profile"))) is not None
    assert not (library.root / "known.json").exists()
    assert one.origin is None


def test_what_a_claim_rests_on_and_is_gone_is_noted(shown: Shown, home: Path, tmp_path: Path):
    ClaimStore().save(shown.claim)  # its comparisons were never here
    notes = script.record(home, [shown.comparison], to=tmp_path / "recorded", claims=True, redactor=CARLA)
    assert len(notes) == 2
    assert "20260101-000000-aaaaaa, which a claim or a sweep rests on, is not there any more" in notes[0]


def test_an_unfinished_comparison_is_not_shown(shown: Shown, home: Path, tmp_path: Path):
    spec = samples.new(ComparisonStore())
    samples.interrupt(ComparisonStore(), spec)
    with pytest.raises(StoreError, match="is interrupted; only a finished one is worth showing"):
        script.record(home, [spec.id], to=tmp_path / "recorded", redactor=CARLA)


def test_the_folder_is_replaced_as_a_whole_or_not_at_all(
    shown: Shown, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(script, "RECORDED", tmp_path / "recorded")
    asked = ["--from", str(home), shown.comparison]
    assert script.main(asked) == 0
    assert "in all, of 25" in capsys.readouterr().out
    before = contents(tmp_path / "recorded")
    assert f"comparisons/{shown.comparison}/result.json" in before

    monkeypatch.setattr(script, "MOST_BYTES", 1000)
    assert script.main(asked) == 2
    assert "more than the 0 MB that the demo may have" in capsys.readouterr().err
    assert script.main(["--from", str(home), "20200101-000000-abcdef"]) == 2
    assert "There is no comparison 20200101-000000-abcdef" in capsys.readouterr().err
    assert contents(tmp_path / "recorded") == before
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []
