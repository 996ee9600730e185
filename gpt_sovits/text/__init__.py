"""Text to phones. Imports no torch."""
