"""Traces and log statements as evidence: which edge got slow, whose own time grew, and where a
request stopped between two statements that used to follow each other."""
