-- Pushes and the event log are kept in one partition for each day, so that old days go by DROP and not by DELETE.
-- The app may not create or drop tables; these functions do it for it, with the owner's rights and nothing else.

-- Make the partition of one day. Rows that came before it stand in the default partition and move over.
CREATE FUNCTION moorage_make_partition(parent text, for_day date) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
  partition text := format('%s_%s', parent, to_char(for_day, 'YYYYMMDD'));
BEGIN
  IF to_regclass(partition) IS NOT NULL THEN
    RETURN;
  END IF;
  EXECUTE format('LOCK TABLE %I IN SHARE ROW EXCLUSIVE MODE', parent);
  EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', partition, parent);
  EXECUTE format(
    'WITH early AS (DELETE FROM %I WHERE day = $1 RETURNING *) INSERT INTO %I SELECT * FROM early',
    parent || '_other', partition) USING for_day;
  EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
    parent, partition, for_day, for_day + 1);
END $$;

-- Make what is missing from yesterday to three days ahead.
CREATE FUNCTION moorage_make_partitions(today date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '3s' AS $$
DECLARE
  ahead integer;
BEGIN
  FOR ahead IN -1..3 LOOP
    PERFORM moorage_make_partition('pushes', today + ahead);
    PERFORM moorage_make_partition('event_log', today + ahead);
  END LOOP;
END $$;

-- Drop the days before `today - 7`.
CREATE FUNCTION moorage_drop_partitions(today date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '3s' AS $$
DECLARE
  oldest_kept text := to_char(today - 7, 'YYYYMMDD');
  partition text;
BEGIN
  FOR partition IN
    SELECT c.relname FROM pg_inherits i
    JOIN pg_class c ON c.oid = i.inhrelid
    JOIN pg_class p ON p.oid = i.inhparent
    WHERE p.oid IN ('pushes'::regclass, 'event_log'::regclass)
      AND c.relname ~ '_[0-9]{8}$' AND right(c.relname, 8) < oldest_kept
  LOOP
    EXECUTE format('DROP TABLE %I', partition);
  END LOOP;
  DELETE FROM pushes_other WHERE day < today - 7;
  DELETE FROM event_log_other WHERE day < today - 7;
END $$;

REVOKE ALL ON FUNCTION
  moorage_make_partition(text, date), moorage_make_partitions(date), moorage_drop_partitions(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION moorage_make_partitions(date), moorage_drop_partitions(date) TO moorage_app;

SELECT moorage_make_partitions((now() AT TIME ZONE 'UTC')::date);
