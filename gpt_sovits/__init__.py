"""GPT-SoVITS on your own machine: a local voice-cloning studio."""

__version__ = "0.1.0"
