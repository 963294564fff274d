-- ---------------------------------------------------------------- what is known of a customer

ALTER TABLE customers
  ADD COLUMN remark_set_at timestamptz, -- null: nobody here has ever set one, so that the provider's may be taken
  ADD COLUMN erased_at timestamptz;

ALTER TABLE customer_identities
  ADD COLUMN union_id text, -- the same for one person on all accounts of one open platform
  ADD COLUMN own_name text, -- what the person is called by themselves, where the provider tells it
  ADD COLUMN avatar_url text,
  ADD COLUMN avatar_blob_id uuid,
  ADD COLUMN profile_read_at timestamptz,
  ADD COLUMN profile_due_at timestamptz, -- null: never asked for
  ADD COLUMN remark_state text NOT NULL DEFAULT 'none'
    CHECK (remark_state IN ('none', 'pending', 'saved', 'refused', 'kept_here')),
  ADD COLUMN remark_reason text,
  ADD COLUMN company_user_id text, -- the company's own id of the person
  ADD COLUMN company_attributes jsonb NOT NULL DEFAULT '{}',
  ADD COLUMN company_bound_at timestamptz,
  ADD FOREIGN KEY (workspace_id, avatar_blob_id) REFERENCES blobs (workspace_id, id),
  ADD CHECK ((company_user_id IS NULL) = (company_bound_at IS NULL));
CREATE INDEX customer_identities_union ON customer_identities (workspace_id, union_id) WHERE union_id IS NOT NULL;
CREATE UNIQUE INDEX customer_identities_company_user
  ON customer_identities (workspace_id, channel_id, company_user_id) WHERE company_user_id IS NOT NULL;

-- ---------------------------------------------------------------- how a channel's customers are made known

CREATE TABLE channel_identity (
  workspace_id uuid NOT NULL,
  channel_id uuid NOT NULL,
  profiles_reason text, -- why the provider does not give profiles of this account
  profiles_refused_until timestamptz, -- it is not asked again before
  enabled boolean NOT NULL DEFAULT false,
  secret bytea, -- sealed; signs the company's links
  secret_made_at timestamptz,
  previous_secret bytea, -- sealed; goes on being accepted for a while after a change
  previous_until timestamptz,
  attributes jsonb NOT NULL DEFAULT '[]', -- names of what may come along
  login_url text, -- the company's own page for who comes without a link
  asks_profile boolean NOT NULL DEFAULT false,
  version bigint NOT NULL DEFAULT 1,
  PRIMARY KEY (workspace_id, channel_id),
  FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id)
);

-- Somebody who was sent to the provider to tell who they are. State and browser are kept as digests.
CREATE TABLE web_authorizations (
  workspace_id uuid NOT NULL,
  id uuid NOT NULL,
  channel_id uuid NOT NULL,
  state_digest bytea NOT NULL,
  browser_digest bytea NOT NULL,
  purpose text NOT NULL,
  about jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  used_at timestamptz,
  PRIMARY KEY (workspace_id, id),
  FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id)
);
CREATE UNIQUE INDEX web_authorizations_state ON web_authorizations (workspace_id, state_digest);
CREATE INDEX web_authorizations_age ON web_authorizations (workspace_id, expires_at);

-- A company's link belongs to whoever opened it first.
CREATE TABLE identity_link_uses (
  workspace_id uuid NOT NULL,
  channel_id uuid NOT NULL,
  digest bytea NOT NULL,
  customer_id uuid NOT NULL,
  used_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, channel_id, digest),
  FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id),
  FOREIGN KEY (workspace_id, customer_id) REFERENCES customers (workspace_id, id)
);
CREATE INDEX identity_link_uses_age ON identity_link_uses (workspace_id, expires_at);

-- A link that would have overwritten what is known. An admin decides.
CREATE TABLE identity_conflicts (
  workspace_id uuid NOT NULL,
  id uuid NOT NULL,
  channel_id uuid NOT NULL,
  customer_id uuid NOT NULL, -- who opened the link
  user_id text NOT NULL, -- whom it says they are
  attributes jsonb NOT NULL,
  bound_user_id text, -- whom they were known as then
  holder_id uuid, -- the other customer who was known as that user then
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'kept', 'replaced')),
  created_at timestamptz NOT NULL,
  settled_at timestamptz,
  settled_by uuid REFERENCES persons,
  PRIMARY KEY (workspace_id, id),
  FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id),
  FOREIGN KEY (workspace_id, customer_id) REFERENCES customers (workspace_id, id),
  FOREIGN KEY (workspace_id, holder_id) REFERENCES customers (workspace_id, id)
);
CREATE UNIQUE INDEX identity_conflicts_open
  ON identity_conflicts (workspace_id, channel_id, customer_id, user_id) WHERE state = 'open';
CREATE INDEX identity_conflicts_list ON identity_conflicts (workspace_id, channel_id, created_at DESC, id DESC);
