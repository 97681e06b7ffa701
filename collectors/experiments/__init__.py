"""Two versions of a model compared: what is counted, and what may be said of it at every look."""
