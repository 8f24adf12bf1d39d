"""The run folder: written whole or not at all, read back, with open boxes and the ledger of certificates beside it."""
