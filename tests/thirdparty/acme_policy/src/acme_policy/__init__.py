"""A promotion policy of omcore that wants to be told what an object is for."""
