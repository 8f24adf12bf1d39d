"""A fleet over the years: cohorts that are launched, serve, age and retire, and what they cost beside the ground."""
