-- Custom menus: what admins draft, what was published when by whom, and what the provider showed when we last looked.

CREATE TABLE channel_menus (
  workspace_id uuid NOT NULL,
  channel_id uuid NOT NULL,
  draft jsonb NOT NULL,
  version bigint NOT NULL DEFAULT 0, -- of the draft: a save names the one that the person has seen
  revision bigint NOT NULL DEFAULT 0, -- of the whole row, for whoever follows it
  based_on integer, -- the version that the draft was taken from
  changed_at timestamptz,
  changed_by uuid REFERENCES persons,
  last_number integer NOT NULL DEFAULT 0, -- the highest version number that was given out
  published_number integer, -- the version that should be live for everybody; null: none of ours
  leased_until timestamptz, -- somebody is changing what is live
  leased_by uuid,
  live jsonb, -- what the provider showed
  live_digest text,
  live_read_at timestamptz,
  live_reason text, -- why it could not be read the last time
  PRIMARY KEY (workspace_id, channel_id),
  FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id)
);

-- A menu for some customers. It lives until an admin deletes it, also when nobody sees it.
CREATE TABLE conditional_menus (
  workspace_id uuid NOT NULL,
  id uuid NOT NULL,
  channel_id uuid NOT NULL,
  name text NOT NULL CHECK (name <> ''),
  rule jsonb NOT NULL,
  menu jsonb NOT NULL,
  version bigint NOT NULL DEFAULT 1,
  published_number integer,
  external_menu_id text,
  created_at timestamptz NOT NULL,
  changed_at timestamptz NOT NULL,
  changed_by uuid REFERENCES persons,
  PRIMARY KEY (workspace_id, id),
  FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id)
);
CREATE INDEX conditional_menus_channel ON conditional_menus (workspace_id, channel_id, created_at, id);

-- Every try to publish, with the menu as it was. Rows stay: a tap names the version that the customer's phone still shows.
CREATE TABLE menu_versions (
  workspace_id uuid NOT NULL,
  channel_id uuid NOT NULL,
  number integer NOT NULL CHECK (number > 0),
  menu jsonb NOT NULL,
  digest text NOT NULL, -- of what the provider was given
  conditional_id uuid, -- the conditional menu; null: the menu for everybody. No key: those can be deleted
  rule jsonb,
  state text NOT NULL CHECK (state IN ('publishing', 'published', 'failed', 'unknown')),
  reason text,
  details jsonb,
  suspects jsonb NOT NULL DEFAULT '[]', -- the items that the refusal may be about
  began_at timestamptz NOT NULL,
  settled_at timestamptz,
  published_by uuid REFERENCES persons,
  PRIMARY KEY (workspace_id, channel_id, number),
  FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id)
);
CREATE INDEX menu_versions_digest ON menu_versions (workspace_id, channel_id, digest);
