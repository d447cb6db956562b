"""A streaming design as an HLS C++ project."""
