-- What an account says to who follows it. Beside the channel's settings, because every push reads those.
CREATE TABLE follow_replies (
  workspace_id uuid NOT NULL,
  channel_id uuid NOT NULL,
  reply jsonb NOT NULL,
  version bigint NOT NULL,
  changed_at timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, channel_id),
  FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id)
);

-- Pictures that a channel sends by itself. The same blob may serve several channels; each provider's account has it
-- under a name of its own, for some days.
CREATE TABLE channel_pictures (
  workspace_id uuid NOT NULL,
  channel_id uuid NOT NULL,
  id uuid NOT NULL, -- its blob's
  media_type text NOT NULL,
  size_bytes bigint NOT NULL,
  width integer NOT NULL,
  height integer NOT NULL,
  name text NOT NULL,
  used_at timestamptz, -- when a reply first named it; before that it may be swept away
  external_media_id text,
  external_uploaded_at timestamptz,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, channel_id, id),
  CHECK ((external_media_id IS NULL) = (external_uploaded_at IS NULL)),
  FOREIGN KEY (workspace_id, id) REFERENCES blobs (workspace_id, id),
  FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id)
);
CREATE INDEX ON channel_pictures (workspace_id, id);
CREATE INDEX ON channel_pictures (created_at) WHERE used_at IS NULL;
