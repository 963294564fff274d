-- Docking by authorization: our platform at a provider, attempts to dock, and what accounts have granted us.

-- ---------------------------------------------------------------- platform tables (no workspace_id policy)

-- What the operator has entered. Credentials from the environment count before these and are not stored.
CREATE TABLE platform_credentials (
  kind text PRIMARY KEY,
  platform_id text NOT NULL,
  credentials bytea NOT NULL,
  version bigint NOT NULL DEFAULT 1,
  changed_at timestamptz NOT NULL,
  changed_by uuid REFERENCES persons
);

-- One row for each platform we have been: its last good ticket, and its token with the lease to renew it.
CREATE TABLE platform_tokens (
  kind text NOT NULL,
  platform_id text NOT NULL,
  ticket bytea,
  ticket_signed_at timestamptz, -- the provider's time: an older ticket never replaces a newer one
  ticket_received_at timestamptz,
  token bytea,
  version bigint NOT NULL DEFAULT 0,
  expires_at timestamptz,
  renewing_until timestamptz,
  renewing_by uuid,
  forced_at timestamptz,
  failures integer NOT NULL DEFAULT 0,
  circuit_until timestamptz,
  last_error jsonb,
  PRIMARY KEY (kind, platform_id)
);

-- Who began to dock an account. Both ways back, the browser's and the provider's push, find their row here; one of them
-- exchanges the code while it holds the lease. State and pre-auth code are kept as digests.
CREATE TABLE docking_attempts (
  id uuid PRIMARY KEY,
  kind text NOT NULL,
  platform_id text NOT NULL,
  state_digest bytea NOT NULL,
  attempt_code_digest bytea NOT NULL,
  workspace_id uuid NOT NULL REFERENCES workspaces,
  person_id uuid NOT NULL REFERENCES persons,
  remote_address text NOT NULL,
  channel_id uuid, -- the channel to authorize again, then the one that came of it
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'exchanging', 'done', 'failed')),
  reason text,
  external_id text,
  pushed_code bytea, -- sealed, until it is used or of no use
  refused_code_digest bytea,
  exchanging_until timestamptz,
  exchanging_by uuid,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  settled_at timestamptz,
  FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id)
);
CREATE UNIQUE INDEX docking_attempts_state ON docking_attempts (state_digest);
CREATE UNIQUE INDEX docking_attempts_code ON docking_attempts (attempt_code_digest);
CREATE INDEX docking_attempts_age ON docking_attempts (created_at);

-- Accounts that authorized our platform without an attempt of ours. The operator sees them; nobody docks them by guess.
CREATE TABLE unclaimed_authorizations (
  id uuid PRIMARY KEY,
  kind text NOT NULL,
  platform_id text NOT NULL,
  external_id text NOT NULL,
  authorized_at timestamptz NOT NULL,
  received_at timestamptz NOT NULL,
  dismissed_at timestamptz,
  dismissed_by uuid REFERENCES persons
);
CREATE UNIQUE INDEX unclaimed_authorizations_account ON unclaimed_authorizations (kind, platform_id, external_id);

-- ---------------------------------------------------------------- channels

ALTER TABLE channels
  ADD COLUMN docked_by_way text NOT NULL DEFAULT 'credentials'
    CHECK (docked_by_way IN ('credentials', 'authorization')),
  ADD COLUMN external_account_id text, -- the provider's second id of the account, which its pushes name
  ADD COLUMN account_name text,
  ADD COLUMN principal_name text,
  ADD COLUMN avatar_url text,
  ADD COLUMN avatar_blob_id uuid,
  ADD COLUMN limits jsonb NOT NULL DEFAULT '[]', -- what keeps the account from being fully active, as reason words
  ADD COLUMN authorized_at timestamptz,
  ADD COLUMN profile_read_at timestamptz,
  ADD COLUMN undocked_at timestamptz,
  ADD FOREIGN KEY (workspace_id, avatar_blob_id) REFERENCES blobs (workspace_id, id);

CREATE TABLE channel_permission_sets (
  workspace_id uuid NOT NULL,
  channel_id uuid NOT NULL,
  set_id integer NOT NULL,
  granted_at timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, channel_id, set_id),
  FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id)
);

CREATE INDEX channels_order ON channels (workspace_id, docked_at, id);
CREATE INDEX channels_state ON channels (workspace_id, state, docked_at, id);
CREATE INDEX channels_mute ON channels (workspace_id, id) WHERE state IN ('deauthorized', 'undocked');

-- ---------------------------------------------------------------- conversations

-- What an account without the right to send cannot say until its customer writes again, waits.
ALTER TABLE messages DROP CONSTRAINT messages_delivery_state_check;
ALTER TABLE messages ADD CONSTRAINT messages_delivery_state_check
  CHECK (delivery_state IN ('waiting', 'queued', 'sending', 'sent', 'answered', 'unconfirmed', 'failed'));
CREATE INDEX messages_waiting ON messages (workspace_id, thread_id, seq) WHERE delivery_state = 'waiting';
CREATE INDEX conversations_channel_open ON conversations (workspace_id, channel_id, id) WHERE state = 'open';
