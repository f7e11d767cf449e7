"""One process, one framework, one run.

Started by the referee as `python -m core.worker RUN_FOLDER`, where `spec.json` lies. Depends on the standard library,
numpy and its framework alone, so that any interpreter can run it. Writes JSON lines, weights (`.npz`) and the profiler's
own files; what it prints goes to the referee's log and is never read as data.
"""
