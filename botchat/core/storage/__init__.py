"""The contract of a store, the form of its records, and the two stores that implement it: `mongo` and `sqlite`."""
