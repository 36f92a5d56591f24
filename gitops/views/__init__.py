"""What the command line shows, as values: JSON for programs, text for people. Reads nothing by itself."""
