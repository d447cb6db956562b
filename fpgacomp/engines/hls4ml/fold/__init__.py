"""io type, strategy and reuse factor of each layer, chosen for a board and a target."""
