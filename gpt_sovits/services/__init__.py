"""What the page, the HTTP API and the command line call."""
