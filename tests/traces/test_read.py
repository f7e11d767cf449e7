"""Opening files: which reader, which error, which of a run's files, and keeping what was read."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from core.traces import cache, sources
from core.traces.read import find_profile, read_source, read_trace
from core.traces.schema import SCHEMA_VERSION, TraceError
from core.traces.sources import Limits, Source
from tests.traces import synthetic
from tests.traces.synthetic import graph_space, kineto, training_step, write

DATA = Path(__file__).parent / "data"


def test_the_content_decides_and_not_the_name(tmp_path):
    as_json = write(tmp_path / "a.bin", kineto(training_step()))
    zipped = write(tmp_path / "b.txt", gzip.compress(kineto(training_step())))
    bare_list = write(tmp_path / "c", b"[" + kineto(training_step()).split(b"[", 2)[2].rsplit(b"]", 1)[0] + b"]")
    plane = write(tmp_path / "d.json", graph_space().SerializeToString())
    assert [read_trace(path).facts.source for path in (as_json, zipped, bare_list, plane)] == [
        "kineto",
        "kineto",
        "kineto",
        "xplane",
    ]
    assert read_trace(as_json).events.equals(read_trace(zipped).events)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("empty.json", b"", "is empty"),
        ("blank.json", b" \n", "is empty"),
        ("cut.json.gz", gzip.compress(kineto(training_step()))[:60], "cut off"),
        ("cut.json", kineto(training_step())[:90], "cut off"),
        ("text.txt", b"hello, this is no trace", "neither JSON nor"),
        ("config.json", b'{"model": "x"}', "not a profiler's trace"),
    ],
)
def test_a_file_that_is_no_trace_says_so_in_one_sentence(tmp_path, name, data, words):
    with pytest.raises(TraceError, match=words) as caught:
        read_trace(write(tmp_path / name, data))
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_say_so(tmp_path):
    with pytest.raises(TraceError, match="does not exist"):
        read_trace(tmp_path / "none.json")
    with pytest.raises(TraceError, match="is a folder"):
        read_trace(tmp_path)


def test_a_profile_is_found_in_either_layout(tmp_path):
    torch = write(tmp_path / "a" / "host_1.2.pt.trace.json.gz", b"x")
    tensorflow = write(tmp_path / "b" / "plugins" / "profile" / "2026_11_23" / "host.xplane.pb", b"x")
    write(tmp_path / "b" / "plugins" / "profile" / "2026_11_23" / "notes.txt", b"x")
    assert find_profile(tmp_path / "a") == torch
    assert find_profile(tmp_path / "b") == tensorflow
    newer = write(tmp_path / "a" / "host_1.3.pt.trace.json.gz", b"x")
    os.utime(torch, (1, 1))
    assert find_profile(tmp_path / "a") == newer
    with pytest.raises(TraceError, match="no profiler's trace"):
        find_profile(tmp_path / "c")


def test_a_trace_is_read_once(tmp_path, monkeypatch):
    path = write(tmp_path / "a.json", kineto(training_step()))
    first = cache.open_trace(path, tmp_path / "traces")
    monkeypatch.setattr(cache, "read_source", lambda source, **_: pytest.fail("read again"))
    again = cache.open_trace(write(tmp_path / "copy.json", path.read_bytes()), tmp_path / "traces")
    assert again.facts == first.facts
    assert again.events.equals(first.events)
    assert again.events.schema == first.events.schema
    kept = tmp_path / "traces" / cache.digest(path)
    assert sorted(file.name for file in kept.iterdir()) == ["events.parquet", "facts.json", "memory.parquet"]


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        ("events.parquet", b"PAR1 broken"),
        ("events.parquet", None),
        ("facts.json", b'{"schema": 1'),
        ("facts.json", b"\xff\xfe"),
        ("facts.json", None),
    ],
)
def test_a_damaged_cache_is_read_anew(tmp_path, file, damage):
    path = write(tmp_path / "a.json", kineto(training_step()))
    first = cache.open_trace(path, tmp_path / "traces")
    kept = tmp_path / "traces" / cache.digest(path) / file
    if damage is None:
        kept.unlink()
    else:
        kept.write_bytes(damage)
    assert cache.open_trace(path, tmp_path / "traces").events.equals(first.events)
    assert cache.load(kept.parent) is not None


def test_a_cache_of_another_version_or_of_other_rows_is_not_used(tmp_path):
    path = write(tmp_path / "a.json", kineto(training_step()))
    trace = cache.open_trace(path, tmp_path / "traces")
    kept = tmp_path / "traces" / cache.digest(path)
    facts = (kept / "facts.json").read_bytes()
    (kept / "facts.json").write_bytes(facts.replace(f'"schema":{SCHEMA_VERSION}'.encode(), b'"schema":1'))
    assert cache.load(kept) is None
    (kept / "facts.json").write_bytes(facts)
    trace.events.head(3).write_parquet(kept / "events.parquet")
    assert cache.load(kept) is None


@pytest.mark.parametrize("name", ["pytorch_eager.pt.trace.json.gz", "tensorflow_graph.xplane.pb.gz", "tensorflow_xla.xplane.pb.gz"])
def test_our_own_profiles_keep_everything_through_the_cache(tmp_path, name):
    trace = cache.open_trace(DATA / name, tmp_path)
    assert cache.open_trace(DATA / name, tmp_path).events.equals(trace.events)


def test_without_room_to_keep_it_a_trace_is_read_all_the_same_and_no_half_file_is_left(tmp_path, monkeypatch):
    path = write(tmp_path / "a.json", kineto(synthetic.launches()))
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    assert len(cache.open_trace(path, tmp_path / "traces").events) == 4
    assert list((tmp_path / "traces" / cache.digest(path)).iterdir()) == []


def test_a_file_that_was_not_touched_is_not_read_through_again(tmp_path, monkeypatch):
    path = write(tmp_path / "a.json", kineto(training_step()))
    first = cache.Sources(tmp_path / "traces").digest(path)
    monkeypatch.setattr(cache, "digest", lambda path: "read through")
    assert cache.Sources(tmp_path / "traces").digest(path) == first == cache.digest_of(Source.of(path))
    write(path, kineto(synthetic.launches()))
    assert cache.Sources(tmp_path / "traces").digest(path) == "read through"


def test_the_members_of_a_gzip_file_are_one_text_and_a_cut_one_gives_what_came_before():
    first, second = os.urandom(3 * 2**20), b"end"
    data = gzip.compress(first) + gzip.compress(second) + b"\0" * 100
    assert b"".join(sources.chunks(Source(name="a", data=data))) == first + second
    given = b""

    def collect() -> None:
        nonlocal given
        for chunk in sources.chunks(Source(name="a", data=data[: 2 * 2**20])):
            given += chunk

    with pytest.raises(sources.Cut):
        collect()
    assert len(given) > 2**20
    assert first.startswith(given)


def test_a_bomb_is_refused_before_it_unfolds():
    for text in (b'{"traceEvents": [', b'{"traceEvents": [{"ph": "', b"{", b"\x0a\x0a"):
        bomb = gzip.compress(text + b" " * 2**28)
        with pytest.raises(TraceError, match=r"more than 128 MiB|not a profiler's trace"):
            read_source(Source(name="bomb.gz", data=bomb), limits=Limits(text_bytes=2**27))
