"""Weights on disk: the native form (safetensors and JSON), and the doors to and from upstream's files."""
