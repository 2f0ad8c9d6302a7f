"""Estate edits: forms over the files of the estate, shown as a patch, checked and planned."""
