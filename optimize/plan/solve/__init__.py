"""Solving a plan with HiGHS: a proved bound, whole plans, and why there is none."""
