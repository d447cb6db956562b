"""`python -m fpgacomp` is the `fpgacomp` command."""

from __future__ import annotations

from fpgacomp.cli.main import main

if __name__ == "__main__":
    main()
