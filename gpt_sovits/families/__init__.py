"""Base models in memory: loading, enrolment."""
