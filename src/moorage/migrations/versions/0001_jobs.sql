-- Rights on procrastinate's tables, and autovacuum that keeps up with a queue: its rows come and go all day.
GRANT SELECT, INSERT, UPDATE, DELETE ON
  procrastinate_workers, procrastinate_jobs, procrastinate_periodic_defers, procrastinate_events TO moorage_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO moorage_app;

ALTER TABLE procrastinate_jobs SET
  (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE procrastinate_events SET
  (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);

ANALYZE procrastinate_jobs, procrastinate_events;

-- A job that ends may free the lock that the next one waits for. procrastinate tells workers of new jobs only; without
-- this, jobs with one lock would run one for each poll.
CREATE FUNCTION moorage_wake_lock_waiters() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM pg_notify('procrastinate_any_queue_v1', json_build_object('type', 'job_inserted', 'job_id', OLD.id)::text);
  RETURN NULL;
END $$;

CREATE TRIGGER moorage_lock_freed_by_update AFTER UPDATE OF status ON procrastinate_jobs
FOR EACH ROW WHEN (OLD.lock IS NOT NULL AND OLD.status = 'doing' AND NEW.status <> 'doing')
EXECUTE FUNCTION moorage_wake_lock_waiters();

CREATE TRIGGER moorage_lock_freed_by_delete AFTER DELETE ON procrastinate_jobs
FOR EACH ROW WHEN (OLD.lock IS NOT NULL AND OLD.status = 'doing')
EXECUTE FUNCTION moorage_wake_lock_waiters();
