"""The canonical network: its operators, its ONNX reader, its editable graph, what is lowered."""
