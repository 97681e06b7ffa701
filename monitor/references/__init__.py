"""References: what live traffic is compared with, as a sequence of pane summaries in one file."""
