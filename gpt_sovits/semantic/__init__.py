"""Phones to semantic tokens: the GPT."""
