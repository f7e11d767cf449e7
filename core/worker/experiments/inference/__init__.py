"""Asking a network about one sample after the other, in a process that did nothing else.

Settings: `format` (a key of the module's `FORMATS`), `path` and `reference` of what was exported, `calls`; for formats that are
no file (`eager`, `graph`, `xla`, `compile`) `workload`, `sizes` and `seed` instead. Result: see `calls.measure`.
"""
