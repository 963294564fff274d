"""Blobs come back as they were, and one workspace finds no other's."""

import os
from pathlib import Path

import pytest

from moorage.core.ids import WorkspaceId, new_id
from moorage.infra.blobs import BlobMissing, find_blob, open_blob_folder, record_blob
from moorage.infra.database import Database


async def test_a_blob_comes_back_as_it_was(tmp_path: Path, database: Database, workspace: WorkspaceId) -> None:
    store, content = open_blob_folder(tmp_path / "blobs"), os.urandom(100_000)
    kept = await store.keep(workspace_id=workspace, blob_id=new_id(), content=content, media_type="image/png")
    async with database.in_workspace(workspace) as tx:
        await record_blob(tx, kept)
    async with database.in_workspace(workspace) as tx:
        found = await find_blob(tx, blob_id=kept.id)
    assert found == kept
    assert await store.read(found) == content


async def test_a_foreign_blob_is_missing(
    tmp_path: Path, database: Database, workspace: WorkspaceId, other_workspace: WorkspaceId
) -> None:
    store = open_blob_folder(tmp_path)
    kept = await store.keep(workspace_id=workspace, blob_id=new_id(), content=b"x", media_type="text/plain")
    async with database.in_workspace(workspace) as tx:
        await record_blob(tx, kept)
    with pytest.raises(BlobMissing):
        async with database.in_workspace(other_workspace) as tx:
            await find_blob(tx, blob_id=kept.id)


async def test_content_that_is_gone_is_named_as_missing(tmp_path: Path) -> None:
    store = open_blob_folder(tmp_path)
    kept = await store.keep(workspace_id=WorkspaceId(new_id()), blob_id=new_id(), content=b"x", media_type="text/plain")
    (tmp_path / kept.path).unlink()
    with pytest.raises(BlobMissing):
        await store.read(kept)
