"""What several workloads do alike: data, loss, update rule, training step; once per framework."""
