"""One folder per engine: what it decides, prices, emits and simulates."""
