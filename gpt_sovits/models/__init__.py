"""Base models on disk: catalogue, download, safe import and export of upstream's files."""
