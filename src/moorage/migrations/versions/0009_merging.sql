-- An agent's short lines that go out as one message: the first leads the others, which are claimed with it.
ALTER TABLE deliveries
  ADD COLUMN leads boolean NOT NULL DEFAULT false, -- others have joined it
  ADD COLUMN merged_into uuid, -- the delivery that it goes along with
  ADD COLUMN alone boolean NOT NULL DEFAULT false, -- it is sent again, by itself
  ADD FOREIGN KEY (workspace_id, merged_into) REFERENCES deliveries (workspace_id, id);
CREATE INDEX deliveries_merged ON deliveries (merged_into) WHERE merged_into IS NOT NULL;
