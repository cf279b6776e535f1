"""Moving objects between contexts, checked by the target."""
