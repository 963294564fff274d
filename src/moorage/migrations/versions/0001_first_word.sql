-- The first complete path: staff, channels, customers, threads, conversations, messages, deliveries, events.
-- Run as moorage_owner. Every table with a company's data has the key (workspace_id, id) and composite foreign keys,
-- because foreign keys bypass row-level security.

-- ---------------------------------------------------------------- platform tables (no workspace_id policy)

CREATE TABLE workspaces (
  id uuid PRIMARY KEY,
  name text NOT NULL CHECK (name <> ''),
  locale text NOT NULL DEFAULT 'zh-CN' CHECK (locale IN ('zh-CN', 'en')),
  time_zone text NOT NULL DEFAULT 'Asia/Shanghai',
  created_at timestamptz NOT NULL
);

CREATE TABLE persons (
  id uuid PRIMARY KEY,
  email text NOT NULL CHECK (email = lower(email)),
  name text NOT NULL CHECK (name <> ''),
  password_hash text NOT NULL,
  locale text CHECK (locale IN ('zh-CN', 'en')),
  created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX persons_email ON persons (email);

CREATE TABLE operators (
  person_id uuid PRIMARY KEY REFERENCES persons,
  since timestamptz NOT NULL
);

CREATE TABLE sessions (
  id uuid PRIMARY KEY,
  token_digest bytea NOT NULL,
  csrf_token text NOT NULL,
  person_id uuid NOT NULL REFERENCES persons ON DELETE CASCADE,
  workspace_id uuid REFERENCES workspaces,
  agent_id uuid,
  created_at timestamptz NOT NULL,
  last_seen_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  ended_at timestamptz,
  remote_address text NOT NULL,
  user_agent text NOT NULL
);
CREATE UNIQUE INDEX sessions_token ON sessions (token_digest);
CREATE INDEX sessions_person ON sessions (person_id) WHERE ended_at IS NULL;

-- Every try to sign in, also with an address nobody has: the rate limit counts them, the operator reads them.
CREATE TABLE sign_ins (
  id uuid PRIMARY KEY,
  email_digest bytea NOT NULL,
  remote_address text NOT NULL,
  person_id uuid REFERENCES persons ON DELETE CASCADE,
  outcome text NOT NULL CHECK (outcome IN ('ok', 'wrong', 'limited')),
  at timestamptz NOT NULL
);
CREATE INDEX sign_ins_email ON sign_ins (email_digest, at);
CREATE INDEX sign_ins_address ON sign_ins (remote_address, at);

CREATE TABLE idempotency_keys (
  person_id uuid NOT NULL REFERENCES persons ON DELETE CASCADE,
  key text NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
  request_digest bytea NOT NULL,
  status integer,
  body bytea,
  created_at timestamptz NOT NULL,
  lease_until timestamptz NOT NULL,
  carried_out_at timestamptz, -- written by the command's own transaction: never carry it out again
  PRIMARY KEY (person_id, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

-- Where a provider's pushes arrive. Read before any workspace is known, so it also carries, sealed, what a push is verified with.
CREATE TABLE channel_addresses (
  kind text NOT NULL,
  external_id text NOT NULL,
  workspace_id uuid NOT NULL REFERENCES workspaces,
  channel_id uuid NOT NULL,
  verification bytea NOT NULL,
  verified_at timestamptz,
  PRIMARY KEY (kind, external_id)
);
CREATE INDEX channel_addresses_channel ON channel_addresses (workspace_id, channel_id);

-- The counter behind the event log. It holds no company's data; the policy is there all the same.
CREATE TABLE event_counters (
  workspace_id uuid PRIMARY KEY REFERENCES workspaces,
  epoch uuid NOT NULL,
  seq bigint NOT NULL DEFAULT 0
);

-- ---------------------------------------------------------------- staff

CREATE TABLE agents (
  workspace_id uuid NOT NULL REFERENCES workspaces,
  id uuid NOT NULL,
  person_id uuid NOT NULL REFERENCES persons,
  name text NOT NULL CHECK (name <> ''),
  role text NOT NULL CHECK (role IN ('owner', 'admin', 'supervisor', 'agent')),
  status text NOT NULL DEFAULT 'offline' CHECK (status IN ('online', 'busy', 'break', 'offline')),
  connected_until timestamptz,
  open_conversations integer NOT NULL DEFAULT 0 CHECK (open_conversations >= 0),
  most_conversations integer NOT NULL DEFAULT 10 CHECK (most_conversations BETWEEN 1 AND 100),
  last_assigned_at timestamptz,
  idle_since timestamptz,
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX agents_person ON agents (workspace_id, person_id);

-- Where a person works. Sign-in reads it before a workspace is known; the rest about an agent is the company's.
CREATE TABLE memberships (
  person_id uuid NOT NULL REFERENCES persons,
  workspace_id uuid NOT NULL REFERENCES workspaces,
  agent_id uuid NOT NULL,
  since timestamptz NOT NULL,
  PRIMARY KEY (person_id, workspace_id),
  FOREIGN KEY (workspace_id, agent_id) REFERENCES agents (workspace_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX memberships_agent ON memberships (workspace_id, agent_id);

CREATE TABLE skill_groups (
  workspace_id uuid NOT NULL REFERENCES workspaces,
  id uuid NOT NULL,
  name text NOT NULL CHECK (name <> ''),
  is_default boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX skill_groups_default ON skill_groups (workspace_id) WHERE is_default;

CREATE TABLE skill_group_members (
  workspace_id uuid NOT NULL,
  group_id uuid NOT NULL,
  agent_id uuid NOT NULL,
  PRIMARY KEY (workspace_id, group_id, agent_id),
  FOREIGN KEY (workspace_id, group_id) REFERENCES skill_groups (workspace_id, id) ON DELETE CASCADE,
  FOREIGN KEY (workspace_id, agent_id) REFERENCES agents (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX skill_group_members_agent ON skill_group_members (workspace_id, agent_id);

CREATE TABLE agent_status_spans (
  workspace_id uuid NOT NULL,
  id uuid NOT NULL,
  agent_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('status', 'connection')),
  value text NOT NULL,
  started_at timestamptz NOT NULL,
  ended_at timestamptz,
  PRIMARY KEY (workspace_id, id),
  FOREIGN KEY (workspace_id, agent_id) REFERENCES agents (workspace_id, id)
);
CREATE UNIQUE INDEX agent_status_spans_open ON agent_status_spans (workspace_id, agent_id, kind) WHERE ended_at IS NULL;

-- ---------------------------------------------------------------- channels

CREATE TABLE channels (
  workspace_id uuid NOT NULL REFERENCES workspaces,
  id uuid NOT NULL,
  kind text NOT NULL,
  external_id text NOT NULL,
  name text NOT NULL CHECK (name <> ''),
  account_type text CHECK (account_type IN ('service', 'subscription')),
  verified boolean,
  state text NOT NULL CHECK (state IN ('authorizing', 'active', 'restricted', 'failing', 'deauthorized', 'undocked')),
  state_reason text,
  settings jsonb NOT NULL DEFAULT '{}',
  policy jsonb NOT NULL DEFAULT '{}',
  credentials bytea NOT NULL,
  version bigint NOT NULL DEFAULT 1,
  docked_at timestamptz NOT NULL,
  docked_by uuid,
  PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX channels_external ON channels (workspace_id, kind, external_id);
ALTER TABLE channel_addresses ADD FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id);

CREATE TABLE channel_tokens (
  workspace_id uuid NOT NULL,
  channel_id uuid NOT NULL,
  token bytea,
  version bigint NOT NULL DEFAULT 0,
  expires_at timestamptz,
  renewing_until timestamptz,
  renewing_by uuid,
  forced_at timestamptz,
  failures integer NOT NULL DEFAULT 0,
  circuit_until timestamptz,
  last_error jsonb,
  PRIMARY KEY (workspace_id, channel_id),
  FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id)
);

-- Requests whose signature does not cover their body (plaintext mode), for as long as their time would be accepted.
CREATE TABLE push_nonces (
  workspace_id uuid NOT NULL,
  channel_id uuid NOT NULL,
  signed_at text NOT NULL,
  nonce text NOT NULL,
  digest bytea NOT NULL,
  seen_at timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, channel_id, signed_at, nonce),
  FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id)
);
CREATE INDEX push_nonces_age ON push_nonces (workspace_id, channel_id, seen_at);

-- ---------------------------------------------------------------- customers

CREATE TABLE customers (
  workspace_id uuid NOT NULL REFERENCES workspaces,
  id uuid NOT NULL,
  name text NOT NULL,
  remark_name text,
  created_at timestamptz NOT NULL,
  version bigint NOT NULL DEFAULT 1,
  PRIMARY KEY (workspace_id, id)
);

CREATE TABLE customer_identities (
  workspace_id uuid NOT NULL,
  id uuid NOT NULL,
  customer_id uuid NOT NULL,
  channel_id uuid NOT NULL,
  external_customer_id text NOT NULL,
  profile jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, id),
  FOREIGN KEY (workspace_id, customer_id) REFERENCES customers (workspace_id, id),
  FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id)
);
CREATE UNIQUE INDEX customer_identities_external ON customer_identities (workspace_id, channel_id, external_customer_id);
CREATE INDEX customer_identities_customer ON customer_identities (workspace_id, customer_id);

-- ---------------------------------------------------------------- conversations

CREATE TABLE threads (
  workspace_id uuid NOT NULL,
  id uuid NOT NULL,
  channel_id uuid NOT NULL,
  customer_id uuid NOT NULL,
  external_customer_id text NOT NULL,
  seq bigint NOT NULL DEFAULT 0,
  follow_state text NOT NULL DEFAULT 'unknown' CHECK (follow_state IN ('unknown', 'following', 'unfollowed')),
  last_customer_message_at timestamptz,
  last_provider_at timestamptz,
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, id),
  FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id),
  -- Deferred, because the statement that makes a thread is also its lock: its customer follows, if the thread is new.
  FOREIGN KEY (workspace_id, customer_id) REFERENCES customers (workspace_id, id) DEFERRABLE INITIALLY DEFERRED
);
CREATE UNIQUE INDEX threads_external ON threads (workspace_id, channel_id, external_customer_id);
CREATE INDEX threads_customer ON threads (workspace_id, customer_id);
CREATE INDEX threads_channel_recent ON threads (workspace_id, channel_id, last_customer_message_at DESC NULLS LAST);

CREATE TABLE conversations (
  workspace_id uuid NOT NULL,
  id uuid NOT NULL,
  thread_id uuid NOT NULL,
  channel_id uuid NOT NULL,
  customer_id uuid NOT NULL,
  state text NOT NULL CHECK (state IN ('open', 'closed')),
  owner_kind text NOT NULL CHECK (owner_kind IN ('bot', 'queue', 'agent', 'nobody')),
  owner_agent_id uuid,
  group_id uuid,
  engine_state jsonb NOT NULL,
  opened_at timestamptz NOT NULL,
  queued_at timestamptz,
  assigned_at timestamptz,
  closed_at timestamptz,
  end_reason text,
  waiting_since timestamptz,
  unread integer NOT NULL DEFAULT 0,
  last_message_at timestamptz NOT NULL,
  last_message jsonb NOT NULL DEFAULT '{}',
  due_at timestamptz,
  version bigint NOT NULL DEFAULT 1,
  PRIMARY KEY (workspace_id, id),
  CHECK ((owner_kind = 'agent') = (owner_agent_id IS NOT NULL)),
  CHECK ((state = 'closed') = (closed_at IS NOT NULL)),
  FOREIGN KEY (workspace_id, thread_id) REFERENCES threads (workspace_id, id),
  FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id),
  FOREIGN KEY (workspace_id, customer_id) REFERENCES customers (workspace_id, id),
  FOREIGN KEY (workspace_id, owner_agent_id) REFERENCES agents (workspace_id, id),
  FOREIGN KEY (workspace_id, group_id) REFERENCES skill_groups (workspace_id, id)
);
CREATE UNIQUE INDEX conversations_open ON conversations (workspace_id, thread_id) WHERE state = 'open';
CREATE INDEX conversations_mine ON conversations (workspace_id, owner_agent_id, state, last_message_at DESC, id DESC);
CREATE INDEX conversations_queue ON conversations (workspace_id, group_id, queued_at, id) WHERE owner_kind = 'queue';
CREATE INDEX conversations_recent ON conversations (workspace_id, state, last_message_at DESC, id DESC);
CREATE INDEX conversations_thread ON conversations (workspace_id, thread_id, opened_at DESC);
CREATE INDEX conversations_due ON conversations (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE messages (
  workspace_id uuid NOT NULL,
  id uuid NOT NULL,
  thread_id uuid NOT NULL,
  seq bigint NOT NULL,
  conversation_id uuid,
  author_kind text NOT NULL CHECK (author_kind IN ('customer', 'bot', 'agent', 'system')),
  author_agent_id uuid,
  why text, -- the rule that wrote it, also where it speaks for an agent; null: a person did
  content jsonb NOT NULL,
  delivery_state text CHECK (delivery_state IN ('queued', 'sending', 'sent', 'answered', 'unconfirmed', 'failed')),
  delivery_reason text,
  external_message_id text,
  arrived_late boolean NOT NULL DEFAULT false,
  sent_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL,
  version bigint NOT NULL DEFAULT 1,
  PRIMARY KEY (workspace_id, id),
  CHECK ((author_kind = 'agent') = (author_agent_id IS NOT NULL)),
  FOREIGN KEY (workspace_id, thread_id) REFERENCES threads (workspace_id, id),
  FOREIGN KEY (workspace_id, conversation_id) REFERENCES conversations (workspace_id, id),
  FOREIGN KEY (workspace_id, author_agent_id) REFERENCES agents (workspace_id, id)
);
CREATE UNIQUE INDEX messages_order ON messages (workspace_id, thread_id, seq);
CREATE INDEX messages_conversation ON messages (workspace_id, conversation_id, seq);

-- One row for each kind of trigger. `id` changes with each new trigger, so that a message of an earlier one is never
-- given back to this one; it stands in no key, so that the change touches no index.
CREATE TABLE budgets (
  workspace_id uuid NOT NULL,
  id uuid NOT NULL,
  thread_id uuid NOT NULL,
  trigger text NOT NULL CHECK (trigger IN ('message', 'menu', 'scan', 'follow')),
  most integer NOT NULL CHECK (most >= 0),
  used integer NOT NULL DEFAULT 0 CHECK (used >= 0),
  opened_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, thread_id, trigger),
  FOREIGN KEY (workspace_id, thread_id) REFERENCES threads (workspace_id, id)
);

CREATE TABLE deliveries (
  workspace_id uuid NOT NULL,
  id uuid NOT NULL,
  thread_id uuid NOT NULL,
  channel_id uuid NOT NULL,
  message_id uuid NOT NULL,
  seq bigint NOT NULL,
  budget_id uuid,
  state text NOT NULL CHECK (state IN ('queued', 'sending', 'sent', 'unconfirmed', 'failed')),
  lease_until timestamptz,
  leased_by uuid,
  not_before timestamptz NOT NULL,
  first_tried_at timestamptz,
  attempts integer NOT NULL DEFAULT 0,
  history jsonb NOT NULL DEFAULT '[]',
  created_at timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, id),
  FOREIGN KEY (workspace_id, thread_id) REFERENCES threads (workspace_id, id),
  FOREIGN KEY (workspace_id, message_id) REFERENCES messages (workspace_id, id),
  FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id)
);
CREATE UNIQUE INDEX deliveries_message ON deliveries (workspace_id, message_id);
CREATE INDEX deliveries_unfinished ON deliveries (not_before, id) WHERE state IN ('queued', 'sending');
CREATE INDEX deliveries_thread ON deliveries (workspace_id, thread_id, seq) WHERE state IN ('queued', 'sending');

CREATE TABLE assignments (
  workspace_id uuid NOT NULL,
  id uuid NOT NULL,
  conversation_id uuid NOT NULL,
  owner_kind text NOT NULL CHECK (owner_kind IN ('bot', 'queue', 'agent', 'nobody')),
  agent_id uuid,
  started_at timestamptz NOT NULL,
  ended_at timestamptz,
  reason text NOT NULL,
  PRIMARY KEY (workspace_id, id),
  FOREIGN KEY (workspace_id, conversation_id) REFERENCES conversations (workspace_id, id),
  FOREIGN KEY (workspace_id, agent_id) REFERENCES agents (workspace_id, id)
);
CREATE UNIQUE INDEX assignments_current ON assignments (workspace_id, conversation_id) WHERE ended_at IS NULL;
CREATE INDEX assignments_agent ON assignments (workspace_id, agent_id, started_at);

-- ---------------------------------------------------------------- reception

-- Raw pushes, once each. The day is of the provider's CreateTime, so that a redelivery meets the same partition.
CREATE TABLE pushes (
  workspace_id uuid NOT NULL,
  id uuid NOT NULL,
  day date NOT NULL,
  channel_id uuid NOT NULL,
  once_key text NOT NULL,
  external_customer_id text NOT NULL,
  body bytea NOT NULL,
  received_at timestamptz NOT NULL,
  taken_in_at timestamptz,
  outcome text,
  attempts integer NOT NULL DEFAULT 0,
  not_before timestamptz NOT NULL,
  answer_by text NOT NULL DEFAULT 'open' CHECK (answer_by IN ('open', 'passive', 'api')),
  reply bytea,
  reply_message_id uuid,
  PRIMARY KEY (workspace_id, id, day)
) PARTITION BY RANGE (day);
CREATE TABLE pushes_other PARTITION OF pushes DEFAULT;
CREATE UNIQUE INDEX pushes_once ON pushes (workspace_id, channel_id, once_key, day);
CREATE INDEX pushes_waiting ON pushes (workspace_id, channel_id, external_customer_id, id) WHERE taken_in_at IS NULL;
CREATE INDEX pushes_sweep ON pushes (not_before) WHERE taken_in_at IS NULL;

CREATE TABLE decisions (
  workspace_id uuid NOT NULL,
  id uuid NOT NULL,
  thread_id uuid NOT NULL,
  conversation_id uuid,
  event jsonb NOT NULL,
  rule text NOT NULL,
  reason text NOT NULL,
  effects jsonb NOT NULL,
  decided_at timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, id),
  FOREIGN KEY (workspace_id, thread_id) REFERENCES threads (workspace_id, id)
);
CREATE INDEX decisions_thread ON decisions (workspace_id, thread_id, decided_at);
CREATE INDEX decisions_conversation ON decisions (workspace_id, conversation_id, decided_at);

-- ---------------------------------------------------------------- facts and audit

CREATE TABLE event_log (
  workspace_id uuid NOT NULL,
  seq bigint NOT NULL,
  day date NOT NULL,
  topic text NOT NULL,
  object_id uuid NOT NULL,
  object_version bigint NOT NULL,
  audience text[] NOT NULL,
  payload jsonb NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, seq, day)
) PARTITION BY RANGE (day);
CREATE TABLE event_log_other PARTITION OF event_log DEFAULT;

CREATE TABLE audit_log (
  workspace_id uuid NOT NULL REFERENCES workspaces,
  id uuid NOT NULL,
  at timestamptz NOT NULL,
  person_id uuid,
  remote_address text NOT NULL,
  act text NOT NULL,
  object_kind text NOT NULL,
  object_id uuid,
  before jsonb,
  after jsonb,
  PRIMARY KEY (workspace_id, id)
);
CREATE INDEX audit_log_recent ON audit_log (workspace_id, at DESC, id DESC);

CREATE TABLE blobs (
  workspace_id uuid NOT NULL REFERENCES workspaces,
  id uuid NOT NULL,
  path text NOT NULL,
  media_type text NOT NULL,
  bytes bigint NOT NULL,
  sha256 bytea NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, id)
);
