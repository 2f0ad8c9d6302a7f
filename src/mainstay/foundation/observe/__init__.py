"""What Mainstay tells of itself while it runs: figures for Prometheus, lines for a log."""
