"""The MNIST CNN in PyTorch as one would write it without this project: nothing of it is imported.

`python bare_pytorch.py '{"inputs": ..., "mnist": ..., ...}'` prints wall and CPU nanoseconds of each block.
"""

import json
import sys
import time

import numpy as np
import torch
from torch import nn

job = json.loads(sys.argv[1])
torch.set_num_threads(1)
torch.set_num_interop_threads(1)

given = np.load(job["inputs"])
mnist = np.load(job["mnist"])
images, test_images = (torch.from_numpy(mnist[name].astype(np.float32) / 255.0).unsqueeze(1) for name in ("x_train", "x_test"))
labels, test_labels = (torch.from_numpy(mnist[name].astype(np.int64)) for name in ("y_train", "y_test"))
order = torch.from_numpy(given["order"])

model = nn.Sequential(
    nn.Conv2d(1, 32, 3),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(32, 64, 3),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Flatten(),
    nn.Linear(1600, 128),
    nn.ReLU(),
    nn.Linear(128, 10),
)
# Keras counts the flattened image as (5, 5, 64), PyTorch as (64, 5, 5).
dense1 = given["weights:dense1/kernel"].reshape(5, 5, 64, 128).transpose(3, 2, 0, 1).reshape(128, 1600)
weights = [
    given["weights:conv1/kernel"].transpose(3, 2, 0, 1), given["weights:conv1/bias"],
    given["weights:conv2/kernel"].transpose(3, 2, 0, 1), given["weights:conv2/bias"],
    dense1, given["weights:dense1/bias"],
    given["weights:dense2/kernel"].T, given["weights:dense2/bias"],
]  # fmt: skip
with torch.no_grad():
    for parameter, array in zip(model.parameters(), weights, strict=True):
        parameter.copy_(torch.from_numpy(np.ascontiguousarray(array)))
loss_of = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=job["learning_rate"], eps=1e-7)


def train_step(x, y):
    optimizer.zero_grad()
    loss = loss_of(model(x), y)
    loss.backward()
    optimizer.step()
    return loss.detach()


for step in range(job["warmup"]):
    loss = float(train_step(images[order[step]], labels[order[step]]))

blocks = []
for first in range(job["warmup"], job["steps"], job["block"]):
    batches = [(images[order[step]], labels[order[step]]) for step in range(first, first + job["block"])]
    cpu, wall = time.process_time_ns(), time.perf_counter_ns()
    for x, y in batches:
        loss = train_step(x, y)
    loss = float(loss)
    blocks.append((time.perf_counter_ns() - wall, time.process_time_ns() - cpu))
print(json.dumps({"blocks": blocks, "loss": loss}))
