"""What the hls4ml engine knows of each kind of layer: one file per kind."""
