"""Where versions are switched: one class a file, behind the Protocol of `monitor.switch.target`."""
