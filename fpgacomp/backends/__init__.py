"""Design to project: one sub-package per code generator."""
