"""One training program under the stopwatches that people use, all in one process.

`process_s`: from the start of the process to the end of its first training, what `time python train.py` shows. `first_s`: that
training alone, its tracing and first step included. `repeated_s`: mean of the trainings after it, as `%%timeit` takes it, which go
on with the same weights. `steady_s`: the same number of steps at the median time of blocks that end with one synchronisation.
"""
