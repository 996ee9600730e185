"""An output module of speech-dispatcher: Orca, ``spd-say`` and whatever speaks through it use a voice of the studio."""
