"""What can be computed: one folder per workload, each written once per framework from one spec.

A workload's folder holds `spec.py` (a `WorkloadSpec` named `SPEC`), `weights.py` (its weight map), and
`tensorflow.py` and `pytorch.py` with the same functions under the same names, which the Models page shows side by side
and the worker calls:

    data(images, labels[, device])          samples as tensors on the device
    batch(samples, indices)                 one batch of them
    model([network])                        the network, logits out
    loss([network])                         a callable of (labels, logits) in Keras order, (logits, labels) in PyTorch order
    optimizer(...)                          the update rule
    train_step(...)                         one training iteration; returns the loss without reading it
    evaluate_batch(...)                     summed loss and number of correct answers of one batch
"""
