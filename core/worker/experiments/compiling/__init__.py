"""How long compiling a training step takes, and what it saves per step, in one process per framework.

Per workload and way of running it: `first_step_s`, with tracing and compiling, and `step_s`, the median of the steps that follow.
"""
