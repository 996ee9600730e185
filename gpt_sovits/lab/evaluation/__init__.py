"""Measures: similarity, words, naturalness, speed, beside the real recordings."""
