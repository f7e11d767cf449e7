"""A short training whose every random choice comes from the framework's own generator: initial weights, order, dropout.

Run several times with one seed, each in its own process, its result shows whether the seed is enough to repeat it bit by bit.
"""
