"""What a result says of the person and the machine behind it, and that nothing else is lost."""

from __future__ import annotations

import gzip
import json
import socket
from pathlib import Path

import pytest

from core.store.privacy import Redactor

ALICE = Redactor(users=("alice", "jd"), hosts=("build-box.example.org", "build-box"), homes=("/srv/people/alice", "/root"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/srv/people/alice/net/train.py", "~/net/train.py"),
        ("/home/bob/.venv/bin/python", "~/.venv/bin/python"),
        ("file:///home/bob/x", "file://~/x"),
        ("/Users/bob/Library", "~/Library"),
        ("/data/home/bob/x", "/data/home/user/x"),
        (r"C:\Users\Jane Doe\net\train.py", r"~\net\train.py"),
        (r"C:\Users\bob and D:\data", r"~ and D:\data"),
        ("/root/.local/share and /rooted/x", "~/.local/share and /rooted/x"),
        ("started by alice on BUILD-BOX", "started by user on host"),
        ("build-box.example.org_4711.pt.trace.json.gz", "host_4711.pt.trace.json.gz"),
        ("on GPU-8932f937-d72c-4106-c12f-20bd9faed9f6, MIG-8932f937", "on GPU-number, MIG-number"),
        ("https://bob:hunter2@pypi.example/simple and http://pypi.example:80/a@b", "https://user@pypi.example/simple and http://pypi.example:80/a@b"),
        ("/scratch/alice/x /scratch/jd/y", "/scratch/user/x /scratch/user/y"),
    ],
)
def test_who_and_where_is_replaced(text: str, expected: str):
    assert ALICE.text(text) == expected
    assert ALICE.text(expected) == expected


@pytest.mark.parametrize("text", ["malice is not alices", "jd", "the adjd kernel", "lib/jd/x", "root cause", "3/4 or 1/2"])
def test_what_only_looks_like_a_name_stays(text: str):
    assert ALICE.text(text) == text


@pytest.mark.parametrize("name", ["gpu", "max", "torch", "step", "faster", "mlp", "adam", "root", "eager", "ratio"])
def test_a_user_with_a_name_that_our_files_are_made_of_breaks_none_of_them(name: str):
    redactor = Redactor(users=(name,), hosts=(name,), homes=(f"/home/{name}",))
    result = {"verdict": "faster", "ratio": 1.5, "a": {"device": "gpu", "execution": "compile_max_autotune"}, "step_ms": 2.0, "workload": "mlp"}
    assert redactor.value(result) == result
    assert redactor.text(f"/home/{name}/net.py and /scratch/{name}/data") == "~/net.py and /scratch/user/data"
    assert redactor.data(f"[1] /home/{name}/net.py torch::step".encode()) == f"[1] /home/{'_' * len(name)}/net.py torch::step".encode()


def test_values_are_searched_through_and_keep_their_shape():
    value = {"folder": "/home/bob/x", "runs": [{"log": ("alice", 1, None, True)}], "alice": 0.5, "/home/bob": 2, "usable_cores": 3, 4: "build-box"}
    assert ALICE.value(value) == {"folder": "~/x", "runs": [{"log": ("user", 1, None, True)}], "user": 0.5, "~": 2, "usable_cores": 3, 4: "host"}


def test_a_field_keeps_its_name_whatever_the_user_is_called():
    assert Redactor(users=("usable",)).value({"usable_cores": "usable"}) == {"usable_cores": "user"}


def test_a_trace_in_json_loses_the_names_and_stays_json():
    trace = {"traceName": "/srv/people/alice/profile/build-box_1.json", "traceEvents": [{"name": "/home/bob/net.py(3): forward", "ts": 1.5}],
             "windows": r"C:\Users\bob\net.py"}  # fmt: skip
    data = json.dumps(trace).encode()
    cleaned = ALICE.data(data)
    assert len(cleaned) == len(data)
    found = json.loads(cleaned)
    assert found["traceEvents"] == [{"name": "/home/___/net.py(3): forward", "ts": 1.5}]
    assert found["windows"] == r"C:\Users\___\net.py"
    assert found["traceName"] == f"/srv/people/_____/profile/{'_' * 9}_1.json"


def test_a_text_of_a_binary_file_is_found_whatever_stands_beside_it():
    # Length bytes and tags that look like letters: a text of 97 bytes begins after an 'a', and the next field's tag is a '2'.
    text = b"build-box/" + b"x" * 77 + b"/build-box"
    assert len(text) == 97
    data = b"\x12" + bytes([len(text)]) + text + b"2\x05alice\x1a"
    cleaned = ALICE.data(data)
    assert len(cleaned) == len(data)
    assert b"build-box" not in cleaned
    assert b"alice" not in cleaned
    assert cleaned[:2] + cleaned[-8:] == data[:2] + b"2\x05_____\x1a"


def test_of_a_binary_file_nothing_behind_the_end_of_a_text_is_touched():
    data = b"\x12\x09/home/bob2\x03abc"
    assert ALICE.data(data) == data
    assert ALICE.data(b"\x12\x10/home/bob/net.py") == b"\x12\x10/home/___/net.py"


def test_a_recorded_trace_is_the_same_but_for_the_names():
    path = Path(__file__).parents[1] / "traces" / "data" / "pytorch_eager.pt.trace.json.gz"
    data = gzip.decompress(path.read_bytes())
    cleaned = ALICE.data(data)
    assert len(cleaned) == len(data)
    assert len(json.loads(cleaned)["traceEvents"]) == len(json.loads(data)["traceEvents"])


def test_this_machine_is_known_by_its_user_home_and_host(monkeypatch: pytest.MonkeyPatch):
    for name in ("USER", "LOGNAME", "USERNAME"):
        monkeypatch.setenv(name, "zaphod42")
    monkeypatch.setenv("HOME", "/galaxy/heartofgold")
    monkeypatch.setattr(socket, "gethostname", lambda: "magrathea.local")
    here = Redactor.here()
    assert here.text("/galaxy/heartofgold/x by zaphod42 at magrathea") == "~/x by user at host"
    assert here.text("magrathea.local") == "host"


@pytest.mark.parametrize("name", ["NVIDIA_API_KEY", "TF_TOKEN_app_terraform_io", "TF_VAR_db_password", "TORCH_HUB_TOKEN", "CUDA_SECRET"])
def test_a_variable_with_a_password_in_it_is_withheld(name: str):
    assert ALICE.value({"variables": {name: "hunter2"}}) == {"variables": {name: "withheld"}}


@pytest.mark.parametrize("name", ["TF_CPP_MIN_LOG_LEVEL", "OMP_NUM_THREADS", "TOKENIZERS_PARALLELISM", "tokens", "key"])
def test_any_other_keeps_what_it_says(name: str):
    assert ALICE.value({name: "4", "CUDA_TOKENS": 4}) == {name: "4", "CUDA_TOKENS": 4}


def test_a_recording_loses_the_number_of_its_card():
    number = "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6"
    for data in (json.dumps({"device": number}).encode(), b"\x12\x28" + number.encode() + b"\x1a"):
        assert ALICE.data(data) == data.replace(number[4:].encode(), b"_" * 36)
