"""The C driver of a build: fixed sources, and what is generated from deployment.json."""
