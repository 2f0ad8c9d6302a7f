"""The first group of the rail: Today, incidents, alerts, services."""
