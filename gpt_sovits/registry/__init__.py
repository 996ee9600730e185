"""Voices on disk: who owns them, what they are made of, and the rules that hold for every caller."""
