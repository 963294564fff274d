-- Files of conversations that are ours. Each is a blob, and belongs to the thread whose readers may see it.
CREATE TABLE media_files (
  workspace_id uuid NOT NULL,
  id uuid NOT NULL, -- its blob's
  thread_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('image', 'voice', 'video', 'short_video')),
  media_type text NOT NULL,
  size_bytes bigint NOT NULL,
  width integer,
  height integer,
  name text NOT NULL,
  uploaded_by uuid, -- null: the customer sent it
  sent_at timestamptz, -- of an upload: when it was first sent; before that only who uploaded it may see it
  external_media_id text, -- what the provider calls it since we uploaded it there
  external_uploaded_at timestamptz,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, id),
  CHECK ((external_media_id IS NULL) = (external_uploaded_at IS NULL)),
  FOREIGN KEY (workspace_id, id) REFERENCES blobs (workspace_id, id),
  FOREIGN KEY (workspace_id, thread_id) REFERENCES threads (workspace_id, id),
  FOREIGN KEY (workspace_id, uploaded_by) REFERENCES agents (workspace_id, id)
);
CREATE INDEX ON media_files (created_at) WHERE uploaded_by IS NOT NULL AND sent_at IS NULL;

-- Files of customers that are not ours yet. A row goes when its file is kept, or will never be.
CREATE TABLE media_fetches (
  workspace_id uuid NOT NULL,
  message_id uuid NOT NULL,
  thread_id uuid NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  next_at timestamptz NOT NULL,
  lease_until timestamptz,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, message_id),
  FOREIGN KEY (workspace_id, message_id) REFERENCES messages (workspace_id, id),
  FOREIGN KEY (workspace_id, thread_id) REFERENCES threads (workspace_id, id)
);
CREATE INDEX ON media_fetches (next_at);
