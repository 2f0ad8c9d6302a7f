"""How far a picture has drifted from another: decoded and compared by Chromium, pixel by pixel."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from playwright.sync_api import Page

TOLERANCE = 8
"""Of 255, in any channel: edges of letters are not drawn alike on two machines."""
COMPARE = """async ([before, after, tolerance]) => {
  const decoded = async (text) => createImageBitmap(await (await fetch(`data:image/png;base64,${text}`)).blob());
  const [one, other] = [await decoded(before), await decoded(after)];
  const width = Math.max(one.width, other.width), height = Math.max(one.height, other.height);
  const pixels = (picture) => {
    const canvas = new OffscreenCanvas(width, height), pen = canvas.getContext("2d");
    pen.drawImage(picture, 0, 0);
    return pen.getImageData(0, 0, width, height);
  };
  const [was, is] = [pixels(one), pixels(other)];
  let differing = 0;
  for (let at = 0; at < is.data.length; at += 4) {
    const far = [0, 1, 2, 3].some((n) => Math.abs(was.data[at + n] - is.data[at + n]) > tolerance);
    if (far) differing += 1;
    const grey = 200 + (is.data[at] + is.data[at + 1] + is.data[at + 2]) / 15;
    is.data.set(far ? [214, 0, 90, 255] : [grey, grey, grey, 255], at);
  }
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d").putImageData(is, 0, 0);
  const bytes = new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer());
  let text = "";
  for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
  return [differing, width * height, btoa(text)];
}"""


@dataclass(frozen=True)
class Drift:
    """Of `total` pixels, `differing` are others now; `picture` (PNG) shows which."""

    differing: int
    total: int
    picture: bytes

    @property
    def share(self) -> float:
        """0 to 1."""
        return self.differing / self.total

    def __str__(self) -> str:
        return f"{self.differing:,} of {self.total:,} pixels differ ({self.share:.3%})"


def drift(page: Page, before: bytes, after: bytes) -> Drift:
    """Two PNG pictures compared; of another size, what only one has differs. Any blank page will do."""
    pictures = [base64.b64encode(one).decode() for one in (before, after)]
    differing, total, picture = page.evaluate(COMPARE, [*pictures, TOLERANCE])
    return Drift(differing, total, base64.b64decode(picture))
