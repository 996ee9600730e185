"""A training set to a voice version, and a corpus to a base."""
