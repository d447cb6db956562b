"""When each word of a streaming design moves: steps per operator, run over finite FIFOs."""
