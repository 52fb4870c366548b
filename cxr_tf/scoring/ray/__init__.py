"""Score on several processes or machines through Ray Data (the extra `distributed`)."""
