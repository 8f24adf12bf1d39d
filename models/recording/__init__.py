"""The model recorded once as a list of operations, and run on columns of designs and of assumptions."""
