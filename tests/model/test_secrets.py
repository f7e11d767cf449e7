"""Which environment variables hold a password or a key."""

from __future__ import annotations

import pytest

from core.model.secrets import is_secret


@pytest.mark.parametrize("name", ["NVIDIA_API_KEY", "TF_VAR_db", "TF_TOKEN_app_terraform_io", "TORCH_SECRET", "XLA_ACCESS_KEY", "TF_PASSWORD"])
def test_a_password_is_told_by_its_name(name: str):
    assert is_secret(name, "x")


@pytest.mark.parametrize("name", ["TF_ENABLE_ONEDNN_OPTS", "NVIDIA_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES", "TOKENIZERS_PARALLELISM", "key"])
def test_settings_are_none(name: str):
    assert not is_secret(name, "x")
    assert not is_secret("NVIDIA_API_KEY", 3)  # no variable: those are texts
