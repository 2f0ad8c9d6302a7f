"""Traces and log statements as evidence: which edge got slow, and where a request stopped between
two statements that used to follow each other."""
