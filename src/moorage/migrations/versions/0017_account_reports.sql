-- What a provider has reported about an account itself: nobody's conversation shows it.
CREATE TABLE channel_reports (
  workspace_id uuid NOT NULL,
  id uuid NOT NULL,
  channel_id uuid NOT NULL,
  name text NOT NULL, -- the provider's name of the event
  line jsonb NOT NULL, -- a stable word for its sentence, and the values in that
  happened_at timestamptz NOT NULL,
  effect text CHECK (effect IN ('verified', 'not_verified')), -- what it changed here
  PRIMARY KEY (workspace_id, id),
  FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id)
);
CREATE INDEX channel_reports_list ON channel_reports (workspace_id, channel_id, happened_at DESC, id DESC);
