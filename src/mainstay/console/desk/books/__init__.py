"""The third group of the rail: the estate, people, the record, Mainstay itself."""
