"""The fleet plan: what flies when and on what, as a mixed-integer model with an exact cost beside its bound."""
