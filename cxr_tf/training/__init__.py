"""Training: one loop for both tasks."""
