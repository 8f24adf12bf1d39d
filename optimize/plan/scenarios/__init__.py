"""Plans under uncertainty: two stages in one model, and progressive hedging."""
