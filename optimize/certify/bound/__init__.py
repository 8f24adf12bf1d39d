"""Bounds over boxes: affine forms forward, linear relaxation backwards, Lagrange multipliers by a bundle method."""
