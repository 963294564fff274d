-- Facts stay as they were told, with one exception: the words of a customer who is erased go from them too.
GRANT UPDATE (payload) ON event_log TO moorage_app;
