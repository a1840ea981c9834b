"""Stores whose session ids belong to their user: each call is translated between ids and storage keys."""
