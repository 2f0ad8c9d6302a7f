"""What is asked where it stays: metrics of Prometheus, lines of Loki, and what is kept here."""
