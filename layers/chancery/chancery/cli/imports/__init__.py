"""`chancery import`: reads the files of other systems and sends what they hold to the API."""
