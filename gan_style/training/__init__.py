"""Training: a step, the run around it, its folder, log, checkpoints and report."""
