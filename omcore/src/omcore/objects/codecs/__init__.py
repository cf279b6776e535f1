"""One codec a kind: Python objects to parts and back."""
