"""AWS services: clients, bus, queues, objects, encryption."""
