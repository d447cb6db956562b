"""What speaks for the integers: a float64 reference, the judge, test vectors, comparison."""
