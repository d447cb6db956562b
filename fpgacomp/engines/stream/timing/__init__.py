"""When each word of a streaming design moves, with FIFOs of finite depth."""
