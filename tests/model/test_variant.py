"""What can be meant by a variant, and what is said about the rest."""

from __future__ import annotations

import pytest

from core.model.variant import FRAMEWORKS, Variant, VariantError, as_proven, parse_variant, settings


@pytest.mark.parametrize(
    "text",
    [
        "tensorflow",
        "pytorch:execution=compile,threads=2,precision=bf16",
        "pytorch:input=loader,workers=4,prefetch=1,sync=10,checkpointing=on",
        "tensorflow:execution=fit,metrics=on,validation=on,network=article,optimizer=native,initial=native",
        "tensorflow:malloc=keep",
        "pytorch:device=gpu,input=png,pin=on,layout=channels_last,deterministic=on,precision=tf32",
    ],
)
def test_a_variant_is_written_as_it_is_read(text: str):
    variant = parse_variant(text, threads=3)
    assert parse_variant(variant.text, threads=1) == variant


def test_text_names_what_is_not_the_default_and_label_what_is_unusual():
    variant = parse_variant("pytorch:input=loader,workers=2,sync=1", threads=1)
    assert variant.text == "pytorch:execution=eager,device=cpu,threads=1,input=loader,workers=2,sync=1"
    assert variant.label == "PyTorch eager, input through a loader, 2 workers, loss read each step"
    assert parse_variant("pytorch:malloc=keep", threads=1).label == "PyTorch eager, freed memory kept"
    assert parse_variant("tensorflow", threads=8).label == "TensorFlow graph (tf.function)"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pytorch:execution=cuda_graph", "a CUDA graph needs device=gpu"),
        ("tensorflow:precision=tf32", "precision=tf32 is a mode of NVIDIA GPUs"),
        ("tensorflow:layout=channels_last", "Keras has channels last always"),
        ("pytorch:pin=on,device=gpu", "pin belongs to input=loader"),
        ("pytorch:pin=on,input=loader", "give device=gpu"),
        ("pytorch:workers=2", "workers belong to input=loader or input=png"),
        ("tensorflow:execution=fit,sync=1", "Keras fit decides itself"),
        ("tensorflow:execution=fit,checkpointing=on", "take execution=graph"),
        ("tensorflow:execution=train_step,metrics=on", "computes no metrics"),
        ("pytorch:execution=fit", "choose eager or compile"),
        ("pytorch:precision=int8", "choose fp32 or tf32 or fp16 or bf16"),
        ("pytorch:workers=many,input=loader", "workers=many in 'pytorch:workers=many,input=loader' is not a whole number"),
        ("pytorch:prefetch=65,input=loader", "prefetch=65 is not a whole number from 0 to 64"),
        ("pytorch:speed=11", "'speed=11' in 'pytorch:speed=11' is not one of"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(text: str, words: str):
    with pytest.raises(VariantError) as caught:
        parse_variant(text, threads=1)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_keys_may_come_in_any_order_even_where_one_allows_another():
    assert parse_variant("pytorch:workers=2,input=loader", threads=1).workers == 2


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_what_is_proven_is_the_function_without_what_only_changes_when_it_is_computed(framework: str):
    asked = {"pytorch": "input=png,workers=1,sync=1,precision=bf16,checkpointing=on,deterministic=on,malloc=keep",
             "tensorflow": "execution=fit,metrics=on,validation=on,precision=bf16,input=loader"}  # fmt: skip
    variant = parse_variant(f"{framework}:{asked[framework]}", threads=2)
    proven = as_proven(variant)
    assert (proven.precision, proven.input, proven.sync, proven.metrics, proven.validation) == ("fp32", "memory", 0, "off", "off")
    assert proven.malloc == "default"
    assert (proven.execution, proven.checkpointing, proven.threads) == (variant.execution, variant.checkpointing, 2)


def test_every_key_has_a_default_so_that_old_words_stay_short():
    assert {field.name for field in settings()} == {field for field in Variant.__dataclass_fields__ if field != "framework"}
    assert parse_variant("pytorch", threads=1).text.count("=") == 3
