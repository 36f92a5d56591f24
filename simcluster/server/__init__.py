"""HTTP for simulated clusters: what a client sends becomes a call of the api, its result an answer."""
