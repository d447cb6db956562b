"""Integer graph to integer graph, one pass per file."""
