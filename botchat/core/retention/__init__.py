"""The retention policy, and its enforcement."""
