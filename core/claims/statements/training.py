"""The two programs, their times, their memory."""

from core.model.claim import Claim

TRAINING = (
    Claim(
        id="code-shape",
        says="The PyTorch network with Linear(9216, 128) replicates the Keras architecture.",
        known="It raises an error: after two 3x3 convolutions and two pools 64 x 5 x 5 = 1,600 values arrive, not 9,216. Mended, both have "
              "225,034 parameters; as printed PyTorch's would have 1,199,882.",
        source="measured by this project on a 2-core CPU with torch 2.14.1",
        as_of="2026-11-23",
        experiment="Run the network as printed and show its error; then the mended one, and count the parameters of both.",
        estimate_s=20,
    ),
    Claim(
        id="code-same",
        says="Both programs train the same model.",
        known="They differ in initialisers, in Adam's epsilon and form, in the training samples (54,000 after Keras's validation split against "
              "60,000), and in validation and metrics, which Keras fit alone computes.",
        source="keras 3.15.1 (initializers, optimizers/adam.py) and torch 2.14.1 (nn/modules/conv.py, optim/adam.py); the article's listings",
        as_of="2026-11-23",
        experiment="Time an epoch of both as printed (with the size mended), then make one difference after another equal: how the ratio moves.",
        estimate_s=900,
    ),
    Claim(
        id="mnist-time",
        says="Three epochs of the MNIST network take 12.3 s in TensorFlow and 10.6 s in PyTorch: a 15 % edge for PyTorch.",
        known="Unidentified: unequal work, and one run of each. 12.3 / 10.6 is 16 % in throughput or 13.8 % in time; per training sample it is "
              "75.9 against 58.9 microseconds.",
        source="arithmetic on the article's own numbers and listings",
        as_of="2026-11-23",
        experiment="Three epochs with equal work on both sides, six pairs of fresh processes.",
        estimate_s=1150,
    ),
    Claim(
        id="mnist-accuracy",
        says="The model reaches about 98.2 % test accuracy after three epochs, in both frameworks.",
        known="Plausible; with all 60,000 training samples both reached more than 98 %.",
        source="measured by this project on a 2-core CPU (tests/bench/test_article.py)",
        as_of="2026-11-23",
        experiment="Six seeds on both sides; equivalence margin 0.3 points. Shares its runs with mnist-time.",
        estimate_s=1150,
    ),
    Claim(
        id="time-method",
        says="Time each training run with `time` or with %%timeit.",
        known="Misleading: `time` counts imports and tracing, %%timeit goes on training the same weights.",
        source="docs.python.org/3/library/timeit.html (the statement is repeated in one process); TensorFlow's guide to tf.function (tracing)",
        as_of="2026-11-24",
        experiment="One program under four stopwatches, and how far the ratio of the frameworks depends on which.",
        estimate_s=150,
    ),
    Claim(
        id="resnet-step",
        says="ResNet-50 at batch 64: about 1.8 s a step in TensorFlow, 1.6 s in PyTorch, roughly 10 %.",
        known="The size of the times is wrong: 64 / 1.8 s is 36 images a second, where one V100 does 367 in PyTorch and 408 in TensorFlow, in FP32.",
        source="github.com/NVIDIA/DeepLearningExamples (PyTorch ResNet-50 v1.5: 367 img/s, 1 x V100 16 GB); github.com/PaddlePaddle/Perf "
               "(NGC TensorFlow 1.15: 408 img/s, V100, batch 128)",
        as_of="2026-11-24",
        experiment="Compare the training step; on a CPU with a smaller batch and image, which says nothing about a GPU.",
        estimate_s=260,
    ),
    Claim(
        id="widens",
        says="The difference widens with larger architectures.",
        known="No support given; published single-GPU ratios of ResNet-50 lie between 0.87 and 1.14.",
        source="github.com/NVIDIA/DeepLearningExamples, github.com/PaddlePaddle/Perf, github.com/Oneflow-Inc/DLPerf (V100 and A100)",
        as_of="2026-11-24",
        experiment="Compare five networks from an MLP to ResNet-50, and test the slope of the ratio against FLOPs per sample.",
        estimate_s=700,
    ),
    Claim(
        id="memory",
        says="Static graphs reuse buffers: TensorFlow needs about 4.2 GB for ResNet-50, PyTorch 4.7 GB.",
        known="Unverifiable as written: by default TensorFlow reserves nearly all of a GPU's memory, so what a tool shows is not what it needs.",
        source="tensorflow.org/guide/gpu, 'Limiting GPU memory growth'",
        as_of="2026-11-24",
        experiment="Peak of the allocator in fresh processes, six of each; on a CPU resident memory. Shares its runs with resnet-step.",
        estimate_s=260,
    ),
    Claim(
        id="checkpointing",
        says="On a 4 GB card you need gradient checkpointing in PyTorch.",
        known="By the article's own numbers (4.2 GB and 4.7 GB) both frameworks would; both have it: torch.utils.checkpoint and keras.remat.",
        source="docs.pytorch.org/docs/stable/checkpoint.html; keras.io/api/rematerialization/remat",
        as_of="2026-11-24",
        experiment="The same network with and without checkpointing in both frameworks: peak memory against step time.",
        estimate_s=500,
    ),
    Claim(
        id="sync-cpu",
        says="Calling .cpu() on a tensor in the training loop forces a synchronisation and costs up to 30 %.",
        known="It waits for the GPU's queue, so the cost depends on the hardware and on what is queued; on a CPU there is no queue to wait for.",
        source="docs.pytorch.org/tutorials/recipes/recipes/tuning_guide.html, 'Avoid unnecessary CPU-GPU synchronization'",
        as_of="2026-11-24",
        experiment="PyTorch, reading the loss at every step and every 10, against every 100.",
        estimate_s=240,
    ),
)  # fmt: skip
