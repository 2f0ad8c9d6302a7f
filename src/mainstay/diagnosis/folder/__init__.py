"""A folder of files that somebody sent, as material. Whatever can be read is used; the rest is
told of. Labels that say the answer (a benchmark's) are never opened: only the files named below.

Stretches of time: a file or folder named `normal`, `good`, `baseline`, `usual` or `noissue` is free
of the fault, one named `anomalous`, `bad` or `incident` shows it; anything else is cut at `since`.
"""

from mainstay.diagnosis.folder.read import Ask, read

__all__ = ["Ask", "read"]
