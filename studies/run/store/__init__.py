"""Trials that last: a search's store on the storages of Optuna, with locks and an identity."""
