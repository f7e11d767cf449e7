"""What a variant puts around a workload's own functions: precision, loss scaling, metrics, recomputation, captured graphs."""
