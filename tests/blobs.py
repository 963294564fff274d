"""A store of blobs for tests that need no folder."""

from obstore.store import MemoryStore

from moorage.infra.blobs import BlobStore


def in_memory() -> BlobStore:
    """Return a new, empty store."""
    return BlobStore(MemoryStore())
