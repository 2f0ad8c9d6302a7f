from pathlib import Path


def cases(data: Path):
    return []
