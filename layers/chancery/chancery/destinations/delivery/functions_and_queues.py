"""The queue of deliveries."""

from chancery.core.aws.declarations import Queue

QUEUES = (Queue("deliveries", "Destinations are not served; the sweep tries again", is_consumed=False),)
