"""Where real recordings and their reference values lie, beside the project; they are not part of it."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[3] / "shared" / "traces"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared traces are not here")
