"""Readers of what synthesis tools write about a build; each knows its format by the content."""
