"""Judging: references calibrated in a child process, windows scored by them, alarms entered."""
