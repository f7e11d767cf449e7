"""What can be computed: one folder per workload, each written once per framework from one spec.

A workload's folder holds four files.

`spec.py`: the `WorkloadSpec` named `SPEC`; `samples(sizes)` gives training and test `Samples`; `flops(sizes)` the
operations of one sample. `sizes` is always complete: a value for each `Size` of the spec.

`weights.py`: `weight_map(sizes)`, which tensor of one side is which of the other; `initial(sizes, seed)`, the weights that
both start from.

`tensorflow.py` and `pytorch.py`: the same functions under the same names, which the Models page shows side by side and the
worker calls (those that several workloads share come from `shared/`):

    data(inputs, labels[, device])          samples as tensors on the device
    batch(samples, indices)                 one batch of them
    model(sizes[, network])                 the network, logits out; in Keras a Sequential or functional model
    loss([network])                         a callable of (labels, logits) in Keras order, (logits, labels) in PyTorch order
    optimizer(...)                          the update rule
    train_step(...)                         one training iteration; returns the loss without reading it
    evaluate_batch(...)                     summed loss and number of correct answers of one batch
"""
