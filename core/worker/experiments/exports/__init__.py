"""Writing a workload's network with its initial weights in one format.

Settings: `workload`, `sizes`, `seed`, `format` (a key of the module's `FORMATS`) and `folder`, where `model...` and
`reference.npz` are written. Result: `path`, `size_bytes`, `export_s` and `note`.
"""
