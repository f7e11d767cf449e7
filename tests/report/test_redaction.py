"""Values and frames without names; words that charts find their numbers by stay."""

from __future__ import annotations

import polars as pl

from core.model.run import Phase, RunError
from core.report.redaction import redacted
from core.store.privacy import Redactor

REDACTOR = Redactor(users=("data", "janeroe"), homes=("/home/janeroe",))


def test_every_text_of_a_value_is_looked_at():
    error = RunError(kind="crashed", message="janeroe was here", log_tail=("in /home/janeroe/net.py",))
    assert redacted(error, REDACTOR) == RunError(kind="crashed", message="user was here", log_tail=("in ~/net.py",))
    assert redacted({"usable_cores": 4, "paths": ["/home/janeroe/net.py"]}, REDACTOR) == {"usable_cores": 4, "paths": ["~/net.py"]}


def test_a_phase_is_still_found_where_a_user_is_called_so():
    phases = (Phase(name="data", wall_s=1.0, cpu_s=1.0),)
    assert redacted(phases, REDACTOR) == phases


def test_a_frame_keeps_its_kinds_and_its_fixed_words():
    frame = pl.DataFrame(
        {"name": ["aten::mm", "of janeroe", None, "of janeroe"], "kind": ["kernel"] * 4, "count": [1, 2, 3, 4]},
        schema={"name": pl.Categorical, "kind": pl.Enum(["kernel"]), "count": pl.Int64},
    )
    found = redacted(frame, REDACTOR)
    assert found.schema == frame.schema
    assert found["name"].cast(pl.String).to_list() == ["aten::mm", "of user", None, "of user"]
    assert redacted(frame.drop("name"), REDACTOR).equals(frame.drop("name"))


def test_a_key_of_a_service_and_the_number_of_a_card_stay_here():
    environment = {"a": {"variables": {"NVIDIA_API_KEY": "nvapi-1", "TF_VAR_db": "s3cret", "TF_CPP_MIN_LOG_LEVEL": "2"}},
                   "machine": {"gpus": [{"uuid": "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6"}]}}  # fmt: skip
    found = redacted(environment, REDACTOR)
    assert found["a"] == {"variables": {"NVIDIA_API_KEY": "withheld", "TF_VAR_db": "withheld", "TF_CPP_MIN_LOG_LEVEL": "2"}}
    assert found["machine"] == {"gpus": [{"uuid": "GPU-number"}]}
