"""External systems and their endpoints: where they are, how calls authenticate, wait, repeat and are transformed."""
