-- What the watchdog asks every minute, at a million incidents: pages that are neither out nor over.
CREATE INDEX paging_send_unsent ON paging_send (due_at) WHERE state IN ('waiting', 'sending');
