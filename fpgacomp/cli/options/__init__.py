"""Every argument and option of the command line, each declared once for all verbs that take it.

An option that means something else for another verb (`--out` is a folder for `compile` and a
file for `quantize`) is declared once for each meaning; tests/cli/test_options.py lists these
with the reason. Defaults stand in the signatures of the verbs. A panel of the help groups the
options of one file.
"""
