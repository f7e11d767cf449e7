"""Experiments that are not comparisons: one folder each, once per framework, run in a fresh process.

`core/worker/experiments/NAME/tensorflow.py` and `pytorch.py` (either may be missing) have

    run(settings: dict, say: Callable[[str], None]) -> dict

with JSON values in and out; `say` reports progress in words. `python -m core.worker.experiment NAME FRAMEWORK FOLDER` runs one.
"""
