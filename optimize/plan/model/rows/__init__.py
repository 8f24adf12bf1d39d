"""The rows of the model, one function for each family."""
