"""Frozen encoders and spectral features that the two models listen through."""
