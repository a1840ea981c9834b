"""The bodies of requests and responses; their docstrings are descriptions in the OpenAPI document."""
