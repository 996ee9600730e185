"""Semantic tokens to waveform: the SoVITS family, its decoders and its discriminators."""
