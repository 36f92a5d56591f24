"""The command line: reads what people ask, calls the rest, and shows the answer. Decides nothing itself."""
