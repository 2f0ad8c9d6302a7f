"""`make reference`: write the pages that differ, and name them."""

from __future__ import annotations

from reference import FOLDER, write

if __name__ == "__main__":
    print("\n".join(f"wrote {FOLDER.name}/{name}" for name in write()) or "nothing has changed")
