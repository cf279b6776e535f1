"""The conformance kit: inherit its classes to show that a plugin keeps its contract."""
