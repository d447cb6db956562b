"""`python -m fpgacomp` is the `fpgacomp` command."""

from __future__ import annotations

from fpgacomp.cli.app import main

if __name__ == "__main__":
    main()
