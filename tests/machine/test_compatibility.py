"""The driver table and the rules of compiled architectures."""

import pytest

from core.machine.probes.compatibility import architecture_fit, driver_needed


@pytest.mark.parametrize(("cuda", "driver", "needed"), [
    ("11.8", "450.80.02", None), ("11.8", "440.33", 450), ("12.5.1", "525.60.13", None), ("12.5.1", "515.105", 525),
    ("13.0", "580.65.06", None), ("13.0", "575.57.08", 580), ("12.5.1", "580.65.06", None),
])  # fmt: skip
def test_driver_for_a_cuda_runtime(cuda, driver, needed):
    assert driver_needed(cuda, driver) == needed


@pytest.mark.parametrize(("cuda", "driver"), [("10.2", "580.1"), ("14.0", "580.1"), ("13.0", ""), ("13.0", "unknown")])
def test_what_the_table_does_not_hold_is_an_error(cuda, driver):
    with pytest.raises(ValueError, match=r"."):
        driver_needed(cuda, driver)


TORCH = ["sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120"]
TENSORFLOW = ["sm_60", "sm_70", "sm_80", "sm_89", "compute_90"]


@pytest.mark.parametrize(("architectures", "capability", "fit"), [
    (TORCH, (9, 0), "binary"), (TORCH, (8, 9), "binary"), (TORCH, (10, 3), "binary"), (TORCH, (12, 1), "binary"),
    (TORCH, (7, 0), "none"), (TORCH, (6, 1), "none"), (TORCH, (11, 0), "none"),
    (TENSORFLOW, (8, 6), "binary"), (TENSORFLOW, (9, 0), "compiled"), (TENSORFLOW, (12, 0), "compiled"), (TENSORFLOW, (5, 2), "none"),
    (["sm_90a"], (9, 0), "binary"), (["sm_100a"], (10, 3), "none"), (["sm_100f"], (10, 3), "binary"), (["compute_90a"], (10, 0), "none"),
    ([], (9, 0), "none"),
])  # fmt: skip
def test_how_a_card_gets_its_kernels(architectures, capability, fit):
    assert architecture_fit(architectures, capability) == fit
