"""What a voice is: its value, its manifest, consent, terms, and the arithmetic of mixing."""
