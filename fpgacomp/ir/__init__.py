"""The vocabulary: numeric types, layers, graph, design, estimate, project, report; and the oracle."""
