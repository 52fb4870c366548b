"""What several tools need to fill the tables of documentation pages and to keep records."""
