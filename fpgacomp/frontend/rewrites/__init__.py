"""One rewrite per file: each edits the graph, keeps the function, and reports what it cannot do."""
