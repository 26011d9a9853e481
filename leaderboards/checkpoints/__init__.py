"""Makes checkpoints of runs: which runs are one model, its name, its training, and the base it is compared with."""
