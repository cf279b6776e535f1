"""Tasks: their data, their scopes and handles, and the engines that run them."""
