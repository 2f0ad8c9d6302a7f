"""Changes as evidence: which commit of a release can have done this, and which cannot."""
