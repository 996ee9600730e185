"""How good and how fast: judges of synthesized speech, and the bench that times every stage."""
