"""Integer graph to hls4ml ModelGraph to project."""
