"""How parallel each operator of a streaming design is, chosen for a board and a target."""
