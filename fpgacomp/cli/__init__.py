"""The command line: one file per verb, each a thin skin on the flow of the same name."""
