"""What can be done with a stored object on a runtime."""
