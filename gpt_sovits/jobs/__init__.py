"""Long work: the store of jobs, the worker, submission and review of a recording."""
