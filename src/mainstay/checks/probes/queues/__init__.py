"""Queues: RabbitMQ by its management API, Kafka by an exporter's text."""
