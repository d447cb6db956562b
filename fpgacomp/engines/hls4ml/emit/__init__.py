"""An hls4ml design as an HLS C++ project."""
