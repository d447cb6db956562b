"""Everything that speaks for the integers: float64 reference, judge, vectors, comparison."""
