"""Voices on disk."""
