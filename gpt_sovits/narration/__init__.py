"""Long texts aloud: a document becomes a project whose sentences are takes, and the takes become one book."""
