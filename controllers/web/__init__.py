"""The web server: metrics, probes and a read-only API. Git is the only remote control."""
