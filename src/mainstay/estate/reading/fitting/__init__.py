"""What must hold of values that have the right kind, beside each other; one file for each matter."""
