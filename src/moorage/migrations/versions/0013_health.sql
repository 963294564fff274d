-- What the last live look at a channel found. Everything else that its health shows is read from the facts themselves.
CREATE TABLE channel_checks (
  workspace_id uuid NOT NULL,
  channel_id uuid NOT NULL,
  name text NOT NULL,
  state text NOT NULL CHECK (state IN ('ok', 'warning', 'failing', 'unknown', 'not_applicable')),
  reason text,
  details jsonb NOT NULL DEFAULT '{}',
  checked_at timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, channel_id, name),
  FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id)
);

-- When a genuine push last arrived, and how it was protected. Written now and then, not with each push.
CREATE TABLE channel_arrivals (
  workspace_id uuid NOT NULL,
  channel_id uuid NOT NULL,
  last_push_at timestamptz NOT NULL,
  last_mode text, -- null: the kind has but one
  PRIMARY KEY (workspace_id, channel_id),
  FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id)
);

-- Requests at a channel's address that were not genuine, counted for ten minutes each. Kept for some hours.
CREATE TABLE channel_refusals (
  workspace_id uuid NOT NULL,
  channel_id uuid NOT NULL,
  reason text NOT NULL,
  during timestamptz NOT NULL, -- the beginning of the ten minutes
  times bigint NOT NULL,
  last_at timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, channel_id, reason, during),
  FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id)
);

-- The worst of a channel's checks, so that lists can show it. Null: never looked at.
ALTER TABLE channels
  ADD COLUMN health text CHECK (health IN ('ok', 'warning', 'failing')),
  ADD COLUMN health_check text,
  ADD COLUMN health_reason text;

-- When a channel is looked at again. It stands with the address, where it is found before any workspace is.
ALTER TABLE channel_addresses ADD COLUMN examine_at timestamptz NOT NULL DEFAULT now();
CREATE INDEX channel_addresses_examine ON channel_addresses (examine_at);

-- The last message of a channel that was sent, and the last that was not.
CREATE INDEX deliveries_last ON deliveries (workspace_id, channel_id, state, id DESC)
  WHERE state IN ('sent', 'failed', 'unconfirmed');

-- How an attempt leads to the provider's page: a code on the screen, or a link for the administrator's phone.
ALTER TABLE docking_attempts
  ADD COLUMN way text NOT NULL DEFAULT 'code' CHECK (way IN ('code', 'link')),
  ADD COLUMN onward_url bytea; -- of a link: the provider's page, sealed

-- What a provider's own list of accounts said when it was last held against ours.
CREATE TABLE platform_comparisons (
  kind text NOT NULL,
  platform_id text NOT NULL,
  compared_at timestamptz NOT NULL,
  reason text, -- why it could not be read; then the rest is what was known before
  listed integer NOT NULL DEFAULT 0,
  unlisted jsonb NOT NULL DEFAULT '[]', -- ids of accounts that are docked here and not on the list
  listed_at timestamptz, -- when the list was last read
  PRIMARY KEY (kind, platform_id)
);
