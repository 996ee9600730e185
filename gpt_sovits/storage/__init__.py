"""How voices lie on disk: versions, index, journal, backup, voice files, erasing."""
