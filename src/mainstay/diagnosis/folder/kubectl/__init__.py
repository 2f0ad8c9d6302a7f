"""What `kubectl` printed into text files, and where a must-gather puts the logs of pods."""

from mainstay.diagnosis.folder.kubectl.gather import pod_of
from mainstay.diagnosis.folder.kubectl.printed import looks_printed, take

__all__ = ["looks_printed", "pod_of", "take"]
