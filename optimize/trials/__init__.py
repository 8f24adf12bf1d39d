"""Search engines for evaluations that may be costly, noisy or fail: samplers over one space, driven batch by batch."""
