"""Animations without what is not shown of them: comments, foreign application data, anything after the end. Pure."""

_KEPT_APPLICATIONS = frozenset({b"NETSCAPE2.0", b"ANIMEXTS1.0"})
"""They say how often an animation is repeated."""

_EXTENSION, _IMAGE, _END = 0x21, 0x2C, 0x3B
_CONTROL, _APPLICATION = 0xF9, 0xFF


def without_metadata(content: bytes) -> bytes:
    """Return the GIF `content` with only what draws it. Raises ValueError where it is cut off or malformed."""
    reader = _Reader(content)
    kept = [reader.take(6), _screen(reader)]
    while (mark := reader.take(1)[0]) != _END:
        if mark == _EXTENSION:
            kept.append(_extension(reader))
        elif mark == _IMAGE:
            kept.append(_image(reader))
        else:
            raise ValueError("a GIF with an unknown block")
    return b"".join([*kept, bytes([_END])])


class _Reader:
    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def take(self, count: int) -> bytes:
        taken = self._content[self._at : self._at + count]
        if len(taken) < count:
            raise ValueError("a GIF that is cut off")
        self._at += count
        return taken

    def blocks(self) -> bytes:
        """Take sub-blocks with their lengths, up to the empty one."""
        start = self._at
        while size := self.take(1)[0]:
            self.take(size)
        return self._content[start : self._at]


def _table(flags: int) -> int:
    """Return how many bytes the colour table has that `flags` tell of."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _screen(reader: _Reader) -> bytes:
    head = reader.take(7)
    return head + reader.take(_table(head[4]))


def _image(reader: _Reader) -> bytes:
    head = reader.take(9)
    return bytes([_IMAGE]) + head + reader.take(_table(head[8])) + reader.take(1) + reader.blocks()


def _extension(reader: _Reader) -> bytes:
    label = reader.take(1)
    blocks = reader.blocks()
    shown = label[0] == _CONTROL or (label[0] == _APPLICATION and blocks[1:12] in _KEPT_APPLICATIONS)
    return bytes([_EXTENSION]) + label + blocks if shown else b""
