"""The demo: a year of real flights, scored by a real model, through Kafka into metrics."""
