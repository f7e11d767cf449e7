"""Why a parity gate fails: from what both sides left behind to the likely cause, in one sentence.

Pure: evidence in, sentence out. A cause is named only where numbers say so: what each side gave is computed again from the
inputs and the weights that it had, under one assumption after the other, until one explains both sides.
"""
