"""The summary for a pull request, as GitHub reads it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.report.markdown import comparison_markdown, escaped
from core.store.comparisons import ComparisonStore
from core.store.files import write_json
from tests.pages import samples


def summary(store: ComparisonStore, id: str) -> str:
    return comparison_markdown(store.load(id))


def test_it_has_the_verdict_both_sides_the_proof_the_machine_and_the_command(store: ComparisonStore):
    spec = samples.new(store)
    samples.finish(store, spec)
    lines = summary(store, spec.id).splitlines()
    assert lines[0] == "### TensorFlow graph \\(tf.function\\) is faster than PyTorch eager on this machine"
    assert lines[2].startswith("**faster** · 1\\.50x, 95 % interval")
    assert "| median over runs | A · TensorFlow graph \\(tf.function\\) | B · PyTorch eager | B ÷ A |" in lines
    assert "| step | 20 ms | 30 ms | 1.50 |" in lines
    assert "| throughput | 3,200 samples/s | 2,133 samples/s | 0.67 |" in lines
    assert "| test accuracy | 94 % | 94 % | 1.00 |" in lines
    assert any(line.startswith("The same model on both sides: all 6 gates are passed") for line in lines)
    assert any("Example CPU" in line and "8.00 GiB of memory" in line for line in lines)
    start = lines.index("```bash")
    assert lines[start + 1].startswith("python -m core compare mnist_cnn")
    assert "```" in lines[start + 2 :]


def test_reasons_are_a_warning_where_nothing_can_be_said(store: ComparisonStore):
    crowded, kept = samples.new(store), samples.new(store)
    samples.finish(store, crowded, reasons=("The machine was crowded; see #12 of @somebody.",))
    text = summary(store, crowded.id)
    assert text.startswith("### Not comparable\n\n**not comparable**\n")
    assert "> [!WARNING]\n> - The machine was crowded; see " in text
    assert "@somebody" not in text
    assert "#12" not in text
    result = samples.finish(store, kept)
    write_json(store.folder(kept.id) / "result.json", replace(result, reasons=("The loss differs a little.",)))
    assert "> [!NOTE]\n> - The loss differs a little." in summary(store, kept.id)


def test_different_models_are_called_so_with_the_gate(store: ComparisonStore):
    spec = samples.new(store)
    samples.fail_parity(store, spec)
    text = summary(store, spec.id)
    assert "Not the same model: 5 of 6 gates are passed; the first that fails: gradients. The optimizers have other constants." in text
    assert "| step |" not in text


def test_a_failure_says_why(store: ComparisonStore):
    spec = samples.new(store)
    samples.fail(store, spec)
    assert "The run needed more memory than there is; use a smaller batch." in summary(store, spec.id)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<script>alert(1)</script>", "\\<script\\>alert\\(1\\)\\</script\\>"),
        ("a | b `c` *d* _e_", "a \\| b \\`c\\` \\*d\\* \\_e\\_"),
        ("one\n\n# two", "one \\#\u200b two"),
        ("- item", "\\- item"),
        ("1. item", "1\\. item"),
        ("see https://example.com and www.example.com", "see https\\://example.com and www\\.example.com"),
        ("as in GH-12, gh-7 and high-5", "as in GH-\u200b12, gh-\u200b7 and high-5"),
        ("[click](x) ![y](z)", "\\[click\\]\\(x\\) \\!\\[y\\]\\(z\\)"),
    ],
)
def test_text_of_unknown_origin_is_shown_letter_by_letter(text: str, expected: str):
    assert escaped(text) == expected


def test_no_number_of_the_table_has_an_exponent(store: ComparisonStore):
    spec = samples.new(store)
    result = samples.finish(store, spec)
    sides = {side: replace(summary, samples_per_s=9_999.7) for side, summary in result.sides.items()}
    write_json(store.folder(spec.id) / "result.json", replace(result, sides=sides))
    assert "| throughput | 10,000 samples/s | 10,000 samples/s | 1.00 |" in comparison_markdown(store.load(spec.id))


def test_a_command_cannot_end_its_own_block(store: ComparisonStore):
    spec = samples.new(store)
    samples.finish(store, spec)
    one = store.load(spec.id)
    assert one.spec is not None
    text = comparison_markdown(replace(one, spec=replace(one.spec, workload="/srv/nets/a\n```\n# free")))
    assert "\n````bash\npython -m core compare '/srv/nets/a\n```\n# free'" in text
