"""The bytes of files, kept once each under a name made from them."""

import hashlib
from pathlib import Path


class BlobStore:
    """Keeps bytes in memory until they are saved beside the state, or for good when nothing is saved."""

    def __init__(self, *, folder: Path | None) -> None:
        self._folder = folder
        self._in_memory: dict[str, bytes] = {}

    def put(self, content: bytes) -> str:
        """Keep the bytes and return their name."""
        name = hashlib.sha256(content).hexdigest()[:40]
        if self._folder is None or not (self._folder / name).exists():
            self._in_memory[name] = content
        return name

    def get(self, name: str) -> bytes | None:
        """Return the bytes of this name, None if there are none."""
        content = self._in_memory.get(name)
        if content is None and self._folder is not None and name.isalnum():
            file = self._folder / name
            content = file.read_bytes() if file.exists() else None
        return content

    def save(self) -> None:
        """Write what is only in memory; it then lives in its file alone."""
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        for name, content in list(self._in_memory.items()):
            (self._folder / f".{name}").write_bytes(content)
            (self._folder / f".{name}").replace(self._folder / name)
            self._in_memory.pop(name, None)
