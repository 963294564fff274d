-- Rights on procrastinate's tables, and autovacuum that keeps up with a queue: its rows come and go all day.
GRANT SELECT, INSERT, UPDATE, DELETE ON
  procrastinate_workers, procrastinate_jobs, procrastinate_periodic_defers, procrastinate_events TO moorage_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO moorage_app;

ALTER TABLE procrastinate_jobs SET
  (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE procrastinate_events SET
  (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);

ANALYZE procrastinate_jobs, procrastinate_events;
