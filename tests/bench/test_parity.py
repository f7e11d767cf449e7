"""The gates, on arrays whose errors are known."""

import numpy as np
import pytest

from core.bench.parity import GATES, ParityEvidence, compare_measured, compare_parity, is_chaos

GENERATOR = np.random.default_rng(0)


def arrays() -> dict[str, np.ndarray]:
    return {
        "forward": GENERATOR.normal(size=(64, 10)),
        "loss": np.asarray(2.3),
        **{
            f"{stage}:{name}": GENERATOR.normal(size=(5, 4))
            for stage in ("gradients", "one_step", "ten_steps")
            for name in ("conv/kernel", "conv/bias")
        },
    }


BASE = arrays()


def stages(change: dict[str, np.ndarray], parameters: int = 100):
    other = ParityEvidence(parameters=parameters, arrays={**BASE, **change})
    return {stage.stage: stage for stage in compare_parity(ParityEvidence(parameters=100, arrays=BASE), other, "shallow")}


def test_equal_sides_pass_every_stage_with_no_error():
    found = stages({})
    assert list(found) == ["parameters", "forward", "loss", "gradients", "one_step", "ten_steps"]
    assert all(stage.passed and stage.error == 0 for stage in found.values())


def test_forward_error_is_relative_to_its_size():
    found = stages({"forward": BASE["forward"] * (1 + 1e-5)})
    assert found["forward"].error == pytest.approx(1e-5, rel=1e-3)
    assert not found["forward"].passed
    assert GATES["deep"]["forward"] > GATES["shallow"]["forward"]


def test_the_worst_tensor_is_named():
    wrong = BASE["gradients:conv/bias"] + 0.5
    found = stages({"gradients:conv/bias": wrong})
    assert found["gradients"].tensor == "conv/bias"
    assert not found["gradients"].passed
    assert found["one_step"].passed


def test_weights_are_compared_by_their_largest_difference():
    wrong = BASE["one_step:conv/kernel"].copy()
    wrong[0, 0] += 7e-4
    found = stages({"one_step:conv/kernel": wrong})
    assert found["one_step"].error == pytest.approx(7e-4)
    assert not found["one_step"].passed


@pytest.mark.parametrize("bad", [np.full((5, 4), np.nan), np.zeros((4, 5))])
def test_nan_and_wrong_shape_fail_without_a_number(bad: np.ndarray):
    found = stages({"gradients:conv/kernel": bad})
    assert found["gradients"].error is None
    assert not found["gradients"].passed
    assert found["gradients"].tensor == "conv/kernel"


def test_chaos_is_a_failed_ten_step_gate_and_nothing_else():
    evidence = ParityEvidence(parameters=100, arrays=BASE)

    def compared(*names: str):
        change = {name: BASE[name] + 0.01 for name in names}
        return compare_parity(evidence, ParityEvidence(parameters=100, arrays={**BASE, **change}), "shallow")

    assert is_chaos(compared("ten_steps:conv/kernel"))
    assert not is_chaos(compared())
    assert not is_chaos(compared("ten_steps:conv/kernel", "one_step:conv/kernel"))
    assert not is_chaos(compared("one_step:conv/kernel"))


def test_parameter_counts_that_differ_fail_and_are_told():
    found = stages({}, parameters=101)
    assert found["parameters"].error == 1
    assert "101" in found["parameters"].detail


def test_a_side_that_stopped_has_not_passed_the_rest():
    broken = ParityEvidence(parameters=100, arrays={}, failed_stage="forward", message="mat1 and mat2 shapes cannot be multiplied")
    found = {stage.stage: stage for stage in compare_parity(ParityEvidence(parameters=100, arrays=BASE), broken, "shallow")}
    assert found["parameters"].passed
    assert "mat1 and mat2" in found["forward"].detail
    assert [stage for stage in found.values() if stage.passed] == [found["parameters"]]


@pytest.mark.parametrize(
    ("precisions", "forward", "gradient", "failing"),
    [
        (("fp32", "fp32"), 1e-6, 1e-5, []),
        (("fp32", "fp32"), 1e-4, 1e-5, ["measured_forward"]),
        (("fp32", "fp32"), 1e-6, 1e-3, ["measured_gradients"]),
        (("bf16", "fp32"), 5e-3, 1e-1, []),  # a whole gradient says nothing at so few bits, and is not asked
        (("fp32", "fp16"), 5e-2, 1e-1, ["measured_forward"]),
        (("tf32", "tf32"), 5e-3, 1e-5, ["measured_forward"]),
    ],
)
def test_what_is_measured_is_held_to_the_coarser_precision(precisions: tuple[str, str], forward: float, gradient: float, failing: list[str]):
    arrays = {"measured_forward": np.ones((4, 3)), "measured_loss": np.array(1.0), "measured_gradients": np.ones(9)}
    other = {**arrays, "measured_forward": np.full((4, 3), 1 + forward), "measured_gradients": np.full(9, 1 + gradient)}
    found = compare_measured(ParityEvidence(arrays=arrays), ParityEvidence(arrays=other), "deep", precisions, "train")
    assert [stage.stage for stage in found if not stage.passed] == failing
