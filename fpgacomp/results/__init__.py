"""What comes out, as values: target, estimate, project, report and comparison."""
