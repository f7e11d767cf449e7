"""What makes this process the hosted demo, and what it then refuses to begin."""

import pytest

from core.model.errors import ShowdownError
from core.model.hosted import HOSTED_VARIABLE, HostedError, is_hosted, refuse_if_hosted


@pytest.mark.parametrize(("value", "hosted"), [(None, False), ("", False), ("1", True), ("0", True), ("no", True)])
def test_the_variable_makes_it_a_demo_whatever_it_says(monkeypatch: pytest.MonkeyPatch, value: str | None, hosted: bool):
    monkeypatch.delenv(HOSTED_VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(HOSTED_VARIABLE, value)
    assert is_hosted() is hosted


def test_what_would_begin_is_refused_in_the_demo_alone_with_a_sentence_that_names_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(HOSTED_VARIABLE, raising=False)
    refuse_if_hosted("a comparison")
    monkeypatch.setenv(HOSTED_VARIABLE, "1")
    with pytest.raises(HostedError, match="a comparison cannot be started here; on your own machine it can") as refused:
        refuse_if_hosted("a comparison")
    assert isinstance(refused.value, ShowdownError)
