"""What an hls4ml design takes and how fast it is, before synthesis."""
