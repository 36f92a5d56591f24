"""The controller for a long while on simulated clusters that fail, with people who interfere: is all well?"""
