"""The canonical network: its operators, its editable graph, and what was lowered from it."""
