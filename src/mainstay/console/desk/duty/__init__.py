"""The shift's own work: checklists and their signature, the log, the handover, checks."""
