"""Vivado's and Vitis HLS' Tcl commands as the tests know them: syntax, IPs, a block design."""
