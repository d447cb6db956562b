"""What a streaming design takes, before synthesis."""
