"""What each verb does, from the arguments to the result; no flow names an engine."""
