-- Voices, videos and files of any kind, sent by agents or handed in by customers through a link.
ALTER TABLE media_files
  DROP CONSTRAINT media_files_kind_check,
  ADD CONSTRAINT media_files_kind_check CHECK (kind IN ('image', 'voice', 'video', 'short_video', 'file')),
  ADD COLUMN duration_s double precision, -- of a voice or a video
  ADD COLUMN poster_id uuid, -- the file with the picture that stands for a video
  ADD COLUMN asked_by_message_id uuid, -- the message whose link the customer handed it in through
  ADD FOREIGN KEY (workspace_id, poster_id) REFERENCES media_files (workspace_id, id) ON DELETE SET NULL (poster_id),
  ADD FOREIGN KEY (workspace_id, asked_by_message_id) REFERENCES messages (workspace_id, id);
CREATE INDEX ON media_files (workspace_id, poster_id) WHERE poster_id IS NOT NULL;
CREATE INDEX ON media_files (workspace_id, asked_by_message_id) WHERE asked_by_message_id IS NOT NULL;
