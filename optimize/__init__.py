"""Search with certificates: bounds, incumbents and explanations over the models."""
