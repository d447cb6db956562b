"""What the engines share: cost terms, fitting, trials, remedies, C-simulation processes."""
