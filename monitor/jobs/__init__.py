"""What the daemon does by the clock, beside reading: each job a file of its own."""
