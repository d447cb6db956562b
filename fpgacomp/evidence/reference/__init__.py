"""The network executed in float64, operator by operator."""
