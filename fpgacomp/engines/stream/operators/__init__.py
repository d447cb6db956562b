"""The operators of a streaming design, one file each: what each does, costs, takes and emits."""
