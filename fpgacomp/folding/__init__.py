"""How much of each layer runs in parallel, chosen for a board."""
