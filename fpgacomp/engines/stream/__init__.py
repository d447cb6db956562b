"""The streaming engine: a pipeline of operators folded over PE and SIMD."""
