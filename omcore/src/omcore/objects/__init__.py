"""Named, versioned objects on top of a storage."""
