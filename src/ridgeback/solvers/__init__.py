"""The row problem and its solvers: a NumPy reference to read and a native twin to run, with the same signatures."""
