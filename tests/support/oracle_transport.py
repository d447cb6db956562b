"""A device that computes as the integer graph does: for tests of what calls one."""

from __future__ import annotations

from fpgacomp.deploy.oracle import OracleTransport

__all__ = ["OracleTransport"]
