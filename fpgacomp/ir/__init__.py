"""The integer graph: types, layers, shapes, verification, and its interpreter, the oracle."""
