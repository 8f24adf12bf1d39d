"""What a plan may be asked beyond what is best."""
