"""The MNIST CNN in TensorFlow as one would write it without this project: nothing of it is imported.

`python bare_tensorflow.py '{"inputs": ..., "mnist": ..., ...}'` prints wall and CPU nanoseconds of each block.
"""

import json
import sys
import time

import keras
import numpy as np
import tensorflow as tf

job = json.loads(sys.argv[1])
tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)
tf.config.set_visible_devices([], "GPU")

given = np.load(job["inputs"])
mnist = np.load(job["mnist"])
images, test_images = (tf.constant((mnist[name].astype(np.float32) / 255.0)[..., np.newaxis]) for name in ("x_train", "x_test"))
labels, test_labels = (tf.constant(mnist[name].astype(np.int64)) for name in ("y_train", "y_test"))
order = tf.constant(given["order"])

model = keras.Sequential(
    [
        keras.Input((28, 28, 1)),
        keras.layers.Conv2D(32, 3, activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Conv2D(64, 3, activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Flatten(),
        keras.layers.Dense(128, activation="relu"),
        keras.layers.Dense(10),
    ]
)
names = [f"{layer}/{part}" for layer in ("conv1", "conv2", "dense1", "dense2") for part in ("kernel", "bias")]
model.set_weights([given[f"weights:{name}"] for name in names])
loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
optimizer = keras.optimizers.Adam(job["learning_rate"])
optimizer.build(model.trainable_variables)


@tf.function
def train_step(x, y):
    with tf.GradientTape() as tape:
        loss = loss_of(y, model(x, training=True))
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
    return loss


for step in range(job["warmup"]):
    loss = float(train_step(tf.gather(images, order[step]), tf.gather(labels, order[step])))

blocks = []
for first in range(job["warmup"], job["steps"], job["block"]):
    batches = [(tf.gather(images, order[step]), tf.gather(labels, order[step])) for step in range(first, first + job["block"])]
    cpu, wall = time.process_time_ns(), time.perf_counter_ns()
    for x, y in batches:
        loss = train_step(x, y)
    loss = float(loss)
    blocks.append((time.perf_counter_ns() - wall, time.process_time_ns() - cpu))
print(json.dumps({"blocks": blocks, "loss": loss}))
