"""Keys and ciphers: vault, keyring, identities."""
