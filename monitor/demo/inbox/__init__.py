"""The demo's inbox: what Slack and mail programs would show, on a page of this machine."""
