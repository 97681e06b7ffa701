"""Reports: Evidently's own pages from the windows' samples, made in a process of their own."""
