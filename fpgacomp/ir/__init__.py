"""The vocabulary: types, layers, graph, design, estimate, project, report; and the oracle."""
