"""Stores whose session IDs belong to their user: each call is translated between ids and storage keys."""
