"""What a program of its own answers: the system's git, the store of kept logs."""
